"""Where a zero-width joiner or non-joiner is part of the writing, and where it only makes two texts look alike. Pure.

Persian and Indic words need them between letters (RFC 5892, appendix A.1 and A.2, which `idna` checks), and emoji
sequences such as families need the joiner (UTS #51, definition ED-16).
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

import idna

NON_JOINER: Final = "\u200c"
JOINER: Final = "\u200d"
JOINERS: Final = frozenset({NON_JOINER, JOINER})

# What may stand between an emoji and the joiner: the selector of its coloured form, or a skin tone.
_AFTER_AN_EMOJI: Final = frozenset("\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
# The property Extended_Pictographic of emoji-data.txt, Unicode 17.0: first and last of each range, in hexadecimal.
_PICTOGRAPHIC: Final = (
    "A9 AE 203C 2049 2122 2139 2194-2199 21A9-21AA 231A-231B 2328 23CF 23E9-23F3 23F8-23FA 24C2 25AA-25AB 25B6 "
    "25C0 25FB-25FE 2600-2604 260E 2611 2614-2615 2618 261D 2620 2622-2623 2626 262A 262E-262F 2638-263A 2640 "
    "2642 2648-2653 265F-2660 2663 2665-2666 2668 267B 267E-267F 2692-2697 2699 269B-269C 26A0-26A1 26A7 "
    "26AA-26AB 26B0-26B1 26BD-26BE 26C4-26C5 26C8 26CE-26CF 26D1 26D3-26D4 26E9-26EA 26F0-26F5 26F7-26FA 26FD "
    "2702 2705 2708-270D 270F 2712 2714 2716 271D 2721 2728 2733-2734 2744 2747 274C 274E 2753-2755 2757 "
    "2763-2764 2795-2797 27A1 27B0 27BF 2934-2935 2B05-2B07 2B1B-2B1C 2B50 2B55 3030 303D 3297 3299 1F004 "
    "1F02C-1F02F 1F094-1F09F 1F0AF-1F0B0 1F0C0 1F0CF-1F0D0 1F0F6-1F0FF 1F170-1F171 1F17E-1F17F 1F18E 1F191-1F19A "
    "1F1AF-1F1E5 1F201-1F20F 1F21A 1F22F 1F232-1F23A 1F23C-1F23F 1F249-1F25F 1F266-1F321 1F324-1F393 1F396-1F397 "
    "1F399-1F39B 1F39E-1F3F0 1F3F3-1F3F5 1F3F7-1F3FA 1F400-1F4FD 1F4FF-1F53D 1F549-1F54E 1F550-1F567 1F56F-1F570 "
    "1F573-1F57A 1F587 1F58A-1F58D 1F590 1F595-1F596 1F5A4-1F5A5 1F5A8 1F5B1-1F5B2 1F5BC 1F5C2-1F5C4 1F5D1-1F5D3 "
    "1F5DC-1F5DE 1F5E1 1F5E3 1F5E8 1F5EF 1F5F3 1F5FA-1F64F 1F680-1F6C5 1F6CB-1F6D2 1F6D5-1F6E5 1F6E9 1F6EB-1F6F0 "
    "1F6F3-1F6FF 1F7DC-1F7F0 1F80C-1F80F 1F848-1F84F 1F85A-1F85F 1F888-1F88F 1F8AE-1F8AF 1F8BC-1F8BF 1F8C2-1F8CF "
    "1F8D9-1F8FF 1F90C-1F93A 1F93C-1F945 1F947-1F9FF 1FA58-1FA5F 1FA6E-1FAFF 1FC00-1FFFD"
)
_RANGES: Final = [tuple(int(end, 16) for end in one.split("-")) for one in _PICTOGRAPHIC.split()]
_FIRSTS: Final = [one[0] for one in _RANGES]


def joins_well(text: str, at: int) -> bool:
    """Whether the joiner or non-joiner at this index stands where Unicode's rules want one."""
    if text[at] == JOINER and _joins_emoji(text, at):
        return True
    try:
        return idna.valid_contextj(text, at)
    except ValueError:  # a neighbour without a name, such as a private character
        return False


def _joins_emoji(text: str, at: int) -> bool:
    before = at - 1
    if before > 0 and text[before] in _AFTER_AN_EMOJI:
        before -= 1
    return before >= 0 and at + 1 < len(text) and _is_emoji(text[before]) and _is_emoji(text[at + 1])


def _is_emoji(char: str) -> bool:
    found = bisect_right(_FIRSTS, ord(char)) - 1
    return found >= 0 and ord(char) <= _RANGES[found][-1]
