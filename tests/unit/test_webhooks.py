"""Webhooks without a network: which addresses and URLs are taken, how deliveries are signed, when they are repeated."""

from __future__ import annotations

import time
from ipaddress import IPv4Address, IPv6Address
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from registry.webhooks.addresses import is_public
from registry.webhooks.schedule import LONGEST_S, Schedule
from registry.webhooks.signing import message_id, new_secret, signed_headers
from registry.webhooks.url import MAX_URL, Target, UrlRefused, target_of

PUBLIC = ("1.1.1.1", "93.184.216.34", "172.32.0.1", "192.169.0.1", "2606:4700::1111", "2001:4860:4860::8888")
NOT_PUBLIC = (
    "0.0.0.0",  # noqa: S104 - it is refused
    "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "2606:4700::1111%1", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1",
    "2001:db8::1", "100::1", "::7f00:1",
    "", "localhost", "1.1.1", "01.1.1.1", "1.1.1.1/32", "2130706433",
)  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_taken_also_within_ipv6(address: str) -> None:
    assert is_public(address)
    if ":" not in address:
        assert is_public(f"::ffff:{address}")
        assert is_public(str(IPv6Address(int(IPv6Address("64:ff9b::")) + int(IPv4Address(address)))))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)


@given(st.sampled_from([one for one in NOT_PUBLIC if one.count(".") == 3 and "/" not in one and one != "01.1.1.1"]))
def test_an_ipv4_address_does_not_hide_in_an_ipv6_one(address: str) -> None:
    number = int(IPv4Address(address))
    for prefix, shift in (("::ffff:0:0", 0), ("64:ff9b::", 0), ("2002::", 80), ("::", 0)):
        assert not is_public(str(IPv6Address(int(IPv6Address(prefix)) + (number << shift)))), prefix


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://portal.example/events?a=b%20c", Target("https", "portal.example", 443, "/events?a=b%20c")),
        ("HTTPS://Portal.Example", Target("https", "portal.example", 443, "/")),
        ("http://portal.example:8080?x", Target("http", "portal.example", 8080, "/?x")),
        ("http://[2606:4700::1111]:81/", Target("http", "2606:4700::1111", 81, "/")),
        ("https://a_b.example./x/@y", Target("https", "a_b.example.", 443, "/x/@y")),
    ],
)
def test_a_url_is_read_in_one_way(url: str, target: Target) -> None:
    assert target_of(url) == target


def test_the_host_header_is_as_the_url_has_it() -> None:
    asked = {
        "https://portal.example:443/": "portal.example", "http://portal.example:443/": "portal.example:443",
        "http://[2606:4700::1111]:81/": "[2606:4700::1111]:81", "https://[2606:4700::1111]/": "[2606:4700::1111]",
    }  # fmt: skip
    assert {url: target_of(url).authority for url in asked} == asked


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "https://host"),
        ("portal.example", "https://host"),
        ("//portal.example/", "https://host"),
        ("ftp://portal.example/", "https://host"),
        ("file:///etc/passwd", "https://host"),
        ("gopher://127.0.0.1/", "https://host"),
        ("https:///x", "https://host"),
        ("https://user:secret@portal.example/", "password"),
        ("https://user@portal.example/", "password"),
        ("https://portal.example@127.0.0.1/", "password"),
        ("https://portal.example\\@127.0.0.1/", "password"),
        ("https://portal.example/#x", "fragment"),
        ("https://portal.example#@127.0.0.1/", "fragment"),
        ("https://portal.example:0/", "port"),
        ("https://portal.example:65536/", "port"),
        ("https://portal.example:80:80/", "https://host"),
        ("https://portal.example:/", "https://host"),
        ("https://[::1/", "https://host"),
        ("https://[1.2.3.4]/", "brackets"),
        ("https://[fe80::1%25eth0]/", "https://host"),
        ("https://portal .example/", "https://host"),
        ("https://portal.example/a b", "https://host"),
        ("https://portal.example/\r\nX: y", "https://host"),
        ("https://portal.example/\n", "https://host"),
        ("https://pörtal.example/", "https://host"),
        ("https://portal.example/ö", "https://host"),
        ("https://.portal.example/", "https://host"),
        ("https://a..b/", "https://host"),
        ("https://-a.example/", "https://host"),
        (f"https://{'a' * 64}.example/", "https://host"),
        (f"https://{'a.' * 130}example/", "host of at most"),
        (f"https://portal.example/{'a' * MAX_URL}", "at most"),
        ("https://127.0.0.1%2f@portal.example/", "password"),
        ("https://portal.example%00/", "https://host"),
    ],
)
def test_any_other_url_is_refused_without_being_quoted(url: str, why: str) -> None:
    with pytest.raises(UrlRefused, match=why) as refused:
        target_of(url)
    assert not url or url not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_each_secret_alone_verifies_a_delivery_and_another_one_does_not() -> None:
    secrets = [new_secret(), new_secret()]
    assert all(len(one) == len("whsec_") + 44 for one in secrets)
    body = '{"specversion":"1.0","x":"Zoë 🗝"}'.encode()
    headers = signed_headers("msg_1", time.time(), body, secrets)
    for secret in secrets:
        Webhook(secret).verify(body, headers)
    for wrong in (new_secret(), new_secret()):
        with pytest.raises(WebhookVerificationError):
            Webhook(wrong).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0]).verify(body + b" ", headers)


def test_the_id_of_a_delivery_is_made_of_webhook_and_position_and_has_no_dot() -> None:
    webhook = UUID("3f1c7a52-6c0e-4b0e-9b53-0d4c1f6f3c11")
    assert message_id(webhook, 42) == "msg_3f1c7a526c0e4b0e9b530d4c1f6f3c11_42"


def test_pauses_double_up_to_three_hours_and_are_spread() -> None:
    schedule = Schedule(first_pause_s=5)
    assert [schedule.pause_s(attempts, 0.5) for attempts in (1, 2, 3)] == [5, 10, 20]
    assert schedule.pause_s(1, 0.0) == pytest.approx(4)
    assert schedule.pause_s(1, 1.0) == pytest.approx(6)
    assert schedule.pause_s(1000, 0.5) == LONGEST_S


def test_a_receiver_may_ask_for_a_longer_pause_but_not_for_days() -> None:
    schedule = Schedule(first_pause_s=5)
    assert schedule.pause_s(1, 0.5, 120) == 120
    assert schedule.pause_s(1, 0.5, 1) == 5
    assert schedule.pause_s(1, 0.5, 10**9) == LONGEST_S


def test_the_last_attempt_is_when_the_time_is_up() -> None:
    schedule = Schedule(give_up_s=100)
    assert schedule.next_s(0, 10) == 10
    assert schedule.next_s(95, 10) == 5
    assert schedule.next_s(100, 10) is None


@given(st.lists(st.floats(0, 1), min_size=60, max_size=60))
def test_a_delivery_is_tried_for_three_days_and_no_longer(draws: list[float]) -> None:
    schedule, tried_s, attempts = Schedule(), 0.0, 1
    while (next_s := schedule.next_s(tried_s, schedule.pause_s(attempts, draws[attempts]))) is not None:
        tried_s, attempts = tried_s + next_s, attempts + 1
    assert tried_s == pytest.approx(3 * 86_400)
    assert 25 < attempts < 60
