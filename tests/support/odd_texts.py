"""Texts that break what quotes, formats, paths or terminals badly: what a tag may be, and what it may not."""

from __future__ import annotations

import unicodedata

# Each may be a tag's value, and its name where it has no colon and is not reserved.
TAKEN = (
    *("'", '"', "`", "''", "\\", "\\\\", "\\'", "a\\", "\\n", "\\0", "\\x41", "\\u0041", "\\N"),
    *("'; DROP TABLE keyledger.event; --", "' OR 1=1 --", "1 UNION SELECT 1", "x' || 'y", ") OR (1=1", "/* x */"),
    *("--", ";", "#", "SELECT", "\\'; SELECT sleep(3) --", "map()", "[]", "['a']", "{'a','b'}", "tuple(1)"),
    *("%s", "%(name)s", "%d%n", "%%", "%", "%00", "a%20b", "a+b", "a&b=c", "?a=b", "$1", "$$", "${x}", "$(id)"),
    *("{}", "{{}}", "{0}", "{name}", "{x!r}", "{database}", "{gateway}", "{value:String}", "${jndi:ldap://x}"),
    *("NULL", "null", "None", "nan", "inf", "0", "-1", "00", "1e309", "true", "0x41", "2026-03-01T00:00:00Z"),
    *("<script>alert(1)</script>", "&amp;", "]]>", "=1+1", "@SUM(1)", "-cmd|' /C calc'!A0", "a,b", "a;b", "a|b"),
    *("../../etc/passwd", "/", "C:\\x", ":", "::", "a:b", "a b", "a  b", "a\u00a0b", "~", "!", "*", "__proto__"),
    *("model", "keyledger.x", "Model", "total", "by", "lines", "bucket", "customer", "public_id", "tags"),
    *(
        "é",
        "ß",
        "İ",
        "\u0131",
        "\uff21",
        "\ufb01",
        "日本語",
        "العربية",
        "עברית",
        "क्षि",
        "x\u0301",
        "x\u0301\u0302\u0303",
    ),
    *("😀", "🏳\ufe0f", "🇩🇪", "\ufffd", "\ue000", "\U0010ffff"),
    *("می\u200cروم", "ශ්\u200dරී", "👩\u200d👧", "🏳\ufe0f\u200d🌈"),
    *("a" * 128, "é" * 64, "😀" * 32),
)
# What would not come back as it was seen, is nothing, or is too much.
REFUSED = (
    *("", " ", " a", "a ", "\u00a0a", "a\u3000", "a\x00b", "\x1b[31m", "a\nb", "a\rb", "a\tb", "\x7f", "\x85"),
    *("a\u200eb", "a\u200fb", "\u202eevil", "\u2066x", "\ufeffa", "a\u200bb", "a\u00adb", "a\u2028b", "a\u2029b"),
    *("a\u200db", "a\u200cb", "👩\u200d", "\U000e0041", "e\u0301", "\u212b", "\u1100\u1161", "a" * 257, "é" * 129),
)


def may_be_a_name(text: str) -> bool:
    """Whether one of TAKEN may be the name of a tag: the contract's rules, said once more."""
    reserved = text.startswith("keyledger.") or text in {"model", "provider", "function", "hour", "day", "month"}
    assert unicodedata.is_normalized("NFC", text)
    joined = "\u200c" in text or "\u200d" in text
    return not (":" in text or reserved or joined) and len(text.encode()) <= 128
