"""Chapter 02, first step: a text is bytes."""

from __future__ import annotations

from utils.course.checking.exercise import Exercise


def _utf8(
    text: str, borders: tuple[int, int, int] = (0x80, 0x800, 0x10000), marked: bool = True
) -> list[int]:
    """UTF-8 by hand, with borders and marks that a wrong turn can change."""
    values: list[int] = []
    for code in map(ord, text):
        tail = sum(code >= border for border in borders)
        lead = (0, 0xC0, 0xE0, 0xF0)[tail] | code >> 6 * tail
        rest = [code >> 6 * i & 0x3F for i in reversed(range(tail))]
        values += [lead, *(0x80 | six if marked else six for six in rest)]
    return values


def _utf8_backwards(text: str) -> list[int]:
    encoded = [_utf8(char) for char in text]
    return [byte for char in encoded for byte in (char[0], *reversed(char[1:]))]


def _utf8_unmasked(text: str) -> list[int]:
    values: list[int] = []
    for char in text:
        lead, *tail = _utf8(char)
        values += [lead, *(0x80 | ord(char) >> 6 * i for i in reversed(range(len(tail))))]
    return values


def _utf8_masked_at_the_end_only(text: str) -> list[int]:
    values: list[int] = []
    for char in text:
        lead, *tail = _utf8(char)
        middle = [0x80 | ord(char) >> 6 * i for i in range(len(tail) - 1, 0, -1)]
        values += [lead, *middle, *tail[-1:]]
    return values


def _utf8_without_emoji(text: str) -> list[int]:
    return _utf8("".join(char for char in text if ord(char) < 0x10000))


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
    minutes=10,
    stars=2,
    reference=utf8_bytes,
    probes=[
        ("",),
        ("A",),
        ("~\x7f",),
        ("\x80",),
        ("é",),
        ("ß\u07ff",),
        ("\u0800",),
        ("한",),
        ("\uffff",),
        ("\U00010000",),
        ("😀",),
        ("\U0010ffff",),
        ("Mina said: 한글! 👩‍🚀",),
    ],
    mistakes={
        "These are code points, the numbers of the characters, not bytes: a byte ends at 255, "
        "and 한 is number 54,620. Cut each number into the bit patterns of the "
        "table.": lambda text: [ord(char) for char in text],
        "One byte reaches only to 127, not to 255: its first bit must be 0. From 128 on, "
        "é included, a character takes two bytes.": lambda text: _utf8(
            text, (0x100, 0x800, 0x10000)
        ),
        "The later bytes lack their mark. Each starts with the bits 10: add 0b10000000 to its "
        "six bits.": lambda text: _utf8(text, marked=False),
        "The later bytes stand in the wrong order. The highest bits come first, the lowest six "
        "bits last.": _utf8_backwards,
        "Four bytes are missing from your answer: an emoji lies beyond 65,535 and does not fit "
        "into three.": lambda text: _utf8(text, (0x80, 0x800, 0x110000)),
        "An emoji leaves nothing in your answer: the last row of the table is missing. From 65,536 "
        "on, a character takes four bytes.": _utf8_without_emoji,
        "A later byte carries more than its six bits. Cut the higher ones off before you mark it: "
        "(code >> shift) & 0b111111.": _utf8_unmasked,
        "A byte may not exceed 255. The bytes in the middle keep only six bits, too: `& 0x3F`, "
        "after shifting.": _utf8_masked_at_the_end_only,
        "All borders are off by one. Numbers of up to 7, 11 and 16 bits take one, two and three "
        "bytes: compare with < 0x80, < 0x800 and < 0x10000.": lambda text: _utf8(
            text, (0x81, 0x801, 0x10001)
        ),
        "The first border is off by one: number 128 takes two bytes already. Compare with "
        "< 0x80.": lambda text: _utf8(text, (0x81, 0x800, 0x10000)),
        "The second border is off by one: number 2,048 takes three bytes already. Compare with "
        "< 0x800.": lambda text: _utf8(text, (0x80, 0x801, 0x10000)),
        "The third border is off by one: number 65,536 takes four bytes already. Compare with "
        "< 0x10000.": lambda text: _utf8(text, (0x80, 0x800, 0x10001)),
        "The bytes are right, but they come as a bytes object: wrap it in list(…).": lambda text: (
            text.encode()
        ),
    },
    alternatives={
        "strings of bits, in a tuple": _utf8_by_string_of_bits,
        "bit by bit": _utf8,
        "the built-in encoder, byte by byte": lambda text: [b for c in text for b in c.encode()],
    },
)
