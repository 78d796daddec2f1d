"""Which addresses a webhook may lead to: public ones alone, unless the operator allows all. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

REFUSED: Final = "leads to an address that is not public (private, loopback, link-local, multicast or reserved)"
# How an IPv6 host reaches IPv4 through a translator (RFC 6052): the address is in the last 32 bits.
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Whether an address is one of the Internet, also the IPv4 address that stands in an IPv6 one.

    False for what is no address, also for one with a zone.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return _is_public(address)
    if address.scope_id is not None:
        return False
    if address in _TRANSLATED:
        return _is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    inner = (address.ipv4_mapped, address.sixtofour, *(address.teredo or ()))
    if any(one is not None and not _is_public(one) for one in inner):
        return False
    return address.ipv4_mapped is not None or _is_public(address)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified or local)
