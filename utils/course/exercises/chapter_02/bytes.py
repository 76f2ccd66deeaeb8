"""Chapter 02, first step: a text is bytes."""

from __future__ import annotations

from typing import Any

from utils.course.checking.exercise import Exercise
from utils.course.exercises.slips import Wrong, alone, in_pairs

_BORDERS = (0x80, 0x800, 0x10000)


def _borders(wrong: Wrong) -> list[int]:
    """The first code points of two, three and four bytes, or where a slip puts them."""
    late = [f"border {i} late" in wrong or "borders late" in wrong for i in (1, 2, 3)]
    early = [f"border {i} early" in wrong for i in (1, 2, 3)]
    moved = [sum(each) for each in zip(_BORDERS, late, (-one for one in early), strict=True)]
    if "whole byte" in wrong:
        moved[0] = 0x100
    if "no four" in wrong:
        moved[2] = 0x110000
    if "far border" in wrong:
        moved[1] = 0x8000
    return moved


def _later_byte(code: int, place: int, last: bool, wrong: Wrong) -> int:
    """A byte after the first, from six bits of the code point, or from what a slip takes."""
    bits = code >> (8 if "eights" in wrong else 6) * place
    masked = "no mask" not in wrong and not ("late mask" in wrong and not last)
    bits &= (0x1F if "five bits" in wrong else 0x3F) if masked else ~0
    if "plus" in wrong:
        return 0x80 + bits
    return (
        bits if "no mark" in wrong else (0xC0 if "lead mark everywhere" in wrong else 0x80) | bits
    )


def _utf8(text: str, *, wrong: Wrong = frozenset()) -> Any:
    """UTF-8 by hand, with the slips named in `wrong`."""
    values: list[Any] = []
    halves = text.encode("utf-16-le", "surrogatepass")
    pairs = [int.from_bytes(halves[i : i + 2], "little") for i in range(0, len(halves), 2)]
    for code in pairs if "surrogates" in wrong else map(ord, text):
        n_later = sum(code >= border for border in _borders(wrong))
        if "skips four" in wrong and n_later == 3:
            continue
        marks = (0, 0xC0, 0xC0, 0xC0) if "one lead" in wrong else (0, 0xC0, 0xE0, 0xF0)
        marks = (0, 0x80, 0xC0, 0xE0) if "short lead" in wrong else marks
        marks = (0, 0, 0, 0) if "no lead" in wrong else marks
        marks = (0, 0xC0, 0xE0, 0xE0) if "lead of three" in wrong else marks
        marks = (0, 0xC0, 0xC0, 0xF0) if "lead of two" in wrong else marks
        lead = marks[n_later] | code >> (8 if "eights" in wrong else 6) * n_later
        later = [_later_byte(code, i, i == 0, wrong) for i in reversed(range(n_later))]
        later = later[::-1] if "backwards" in wrong else later
        if "lead last" in wrong:
            values += [*reversed(later), lead]
            continue
        values += [[lead, *later]] if "nested" in wrong else [lead, *later]
    return values


_SAID = {
    "whole byte": "One byte reaches only to 127, not to 255: its first bit must be 0. From 128 on, "
    "é included, a character takes two bytes.",
    "no mark": "The later bytes lack their mark. Each starts with the bits 10: add 0b10000000 to "
    "its six bits.",
    "lead mark everywhere": "The later bytes start with the bits 11, and that is how a first byte "
    "starts: theirs is 10, 0b10000000.",
    "no lead": "The first bytes lack their mark: 0b11000000 for two bytes, 0b11100000 for three, "
    "0b11110000 for four.",
    "one lead": "The mark of the first byte tells how many there are: 0b11000000 for two bytes, "
    "0b11100000 for three, 0b11110000 for four.",
    "lead of three": "Four bytes begin like three in yours: the first of four is marked "
    "0b11110000, 0xF0.",
    "lead of two": "Three bytes begin like two in yours: the first of three is marked 0b11100000, "
    "0xE0.",
    "short lead": "The mark of the first byte has one 1 for every byte of the character, itself "
    "included: 0b11000000 for two bytes, 0b11100000 for three.",
    "eights": "You shift by eight bits: a later byte carries six bits of the number, so shift by "
    "6, 12 and 18.",
    "backwards": "The later bytes stand in the wrong order. The highest bits come first, the "
    "lowest six bits last.",
    "lead last": "The bytes of a character stand in reverse: its first byte, the one that tells "
    "how many there are, comes first.",
    "five bits": "A later byte carries six bits, and yours five: the mask is 0b111111, 0x3F.",
    "far border": "The second border is misplaced: three bytes begin at 0x800, which is 2,048, not "
    "at 0x8000.",
    "surrogates": "You cut an emoji into the two halves of UTF-16 and wrote three bytes for each: "
    "UTF-8 takes the number itself, ord(char), in four bytes.",
    "no four": "Four bytes are missing from your answer: an emoji lies beyond 65,535 and does not "
    "fit into three.",
    "skips four": "An emoji leaves nothing in your answer: the last row of the table is missing. "
    "From 65,536 on, a character takes four bytes.",
    "no mask": "A later byte carries more than its six bits. Cut the higher ones off before you "
    "mark it: (code >> shift) & 0b111111.",
    "late mask": "A byte may not exceed 255. The bytes in the middle keep only six bits, too: "
    "`& 0x3F`, after shifting.",
    "plus": "Adding 128 is only the same as setting the bit where six bits are left: cut the "
    "higher ones off first, (code >> shift) & 0b111111.",
    "nested": "You have a list for each character: put the bytes of all of them in one list, with "
    "+= or extend.",
    "borders late": "All borders are off by one. Numbers of up to 7, 11 and 16 bits take one, two "
    "and three bytes: compare with < 0x80, < 0x800 and < 0x10000.",
    "border 1 late": "The first border is off by one: number 128 takes two bytes already. Compare "
    "with < 0x80.",
    "border 2 late": "The second border is off by one: number 2,048 takes three bytes already. "
    "Compare with < 0x800.",
    "border 3 late": "The third border is off by one: number 65,536 takes four bytes already. "
    "Compare with < 0x10000.",
    "border 1 early": "The first border is off by one: number 127 still fits into one byte. "
    "Compare with < 0x80.",
    "border 2 early": "The second border is off by one: number 2,047 still fits into two bytes. "
    "Compare with < 0x800.",
    "border 3 early": "The third border is off by one: number 65,535 still fits into three bytes. "
    "Compare with < 0x10000.",
}
_APART = [
    "no lead | one lead | short lead | lead of three | lead of two",
    "lead of three | surrogates | no four | skips four | border 3 late | border 3 early"
    " | borders late",
    "no mark | lead mark everywhere | no mask | late mask",
    "borders late | border 1 late | border 2 late | border 3 late | border 1 early"
    " | border 2 early | border 3 early | whole byte",
    "far border | border 1 late | border 2 late | border 3 late | borders late | border 1 early"
    " | border 2 early | border 3 early",
    "surrogates | no four | skips four | border 3 late | border 3 early | borders late",
    "lead last | backwards | nested",
    "five bits | no mask | late mask | eights",
    "no four | skips four | border 3 late | border 3 early | borders late",
]


def _utf8_by_string_of_bits(text: str) -> tuple[int, ...]:
    values: list[int] = []
    for code in map(ord, text):
        if code < 128:
            values.append(code)
            continue
        tail = 1 + (code >= 0x800) + (code >= 0x10000)
        bits = format(code, f"0{6 * tail + 6 - tail}b")
        lead, bits = bits[: 6 - tail], bits[6 - tail :]
        values.append(int("1" * (tail + 1) + "0" + lead, 2))
        values += [int("10" + bits[i : i + 6], 2) for i in range(0, len(bits), 6)]
    return tuple(values)


def utf8_bytes(text: str) -> list[int]:
    """The UTF-8 bytes of a text, as numbers."""
    return list(text.encode())


UTF8_BYTES = Exercise(
    id="2.1",
    title="UTF-8 by hand",
    minutes=12,
    stars=2,
    reference=utf8_bytes,
    probes=[
        ("é",),
        ("",),
        ("A",),
        ("~\x7f",),
        ("\x80\x81\x8f",),
        ("ßÿ\u07ff",),
        ("한",),
        ("\u0800\u0801\u0fff\u1000",),
        ("\uffff",),
        ("\U00010000\U00010001\U000fffff",),
        ("😀",),
        ("\U0010ffff",),
        ("Mina said: 한글! 👩‍🚀",),
    ],
    mistakes=alone(_utf8, {slip: said for slip, said in _SAID.items() if slip != "plus"})
    | {
        "These are code points, the numbers of the characters, not bytes: a byte ends at 255, "
        "and 한 is number 54,620. Cut each number into the bit patterns of the "
        "table.": lambda text: [ord(char) for char in text],
        _SAID["plus"]: lambda text: _utf8(text, wrong=frozenset(["no mask", "plus"])),
        "The bytes are right, but they come as a bytes object: wrap it in list(…).": lambda text: (
            text.encode()
        ),
        "The numbers are right, but each is written as text: leave them numbers.": lambda text: [
            str(byte) for byte in text.encode()
        ],
        "The bytes are right, but in hexadecimal writing: leave them numbers.": lambda text: [
            hex(byte) for byte in text.encode()
        ],
        "These are the bytes of UTF-16, in which most characters take two: use the table of "
        "UTF-8.": lambda text: list(text.encode("utf-16-be")),
    },
    together=in_pairs(_utf8, {k: v for k, v in _SAID.items() if k != "plus"}, _APART),
    alternatives={
        "strings of bits, in a tuple": _utf8_by_string_of_bits,
        "bit by bit": _utf8,
        "the built-in encoder, byte by byte": lambda text: [b for c in text for b in c.encode()],
    },
)
