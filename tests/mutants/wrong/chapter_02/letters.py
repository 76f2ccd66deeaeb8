"""Wrong answers to exercise 2.1."""

from __future__ import annotations

from mutants.cases import wrong, wrongs


def utf8(borders=(0x80, 0x800, 0x10000), lead=(0, 0xC0, 0xE0, 0xF0), later=lambda six: 0x80 | six):
    def answer(text):
        found = []
        for code in map(ord, text):
            n = sum(code >= border for border in borders)
            found.append(lead[n] | code >> 6 * n)
            found += [later(code >> 6 * i & 63) for i in range(n - 1, -1, -1)]
        return found

    return answer


wrongs(
    "2.1", "These are code points", a=lambda t: [ord(c) for c in t], b=lambda t: list(map(ord, t))
)


wrongs("2.1", "One byte reaches only to 127", c=utf8((0x100, 0x800, 0x10000)))


wrongs("2.1", "The later bytes lack their mark", d=utf8(later=lambda six: six))


wrongs("2.1", "The later bytes start with the bits 11", e=utf8(later=lambda six: 0xC0 | six))


wrongs("2.1", "The first bytes lack their mark", f=utf8(lead=(0, 0, 0, 0)))


wrongs("2.1", "The mark of the first byte tells", g=utf8(lead=(0, 0xC0, 0xC0, 0xC0)))


wrongs("2.1", "The mark of the first byte has one", h=utf8(lead=(0, 0x80, 0xC0, 0xE0)))


wrongs("2.1", "Four bytes are missing", i=utf8((0x80, 0x800)))


wrongs("2.1", "The first border", j=utf8((0x81, 0x800, 0x10000)), k=utf8((0x7F, 0x800, 0x10000)))


wrongs("2.1", "The second border", m=utf8((0x80, 0x801, 0x10000)), n=utf8((0x80, 0x7FF, 0x10000)))


wrongs("2.1", "The third border", o=utf8((0x80, 0x800, 0x10001)), p=utf8((0x80, 0x800, 0xFFFF)))


wrongs(
    "2.1",
    None,
    far_border=utf8((0x80, 0x1000, 0x10000)),
    hundred=utf8((100, 0x800, 0x10000)),
    latin=lambda t: list(t.encode("latin-1", "replace")),
)


wrongs(
    "2.1",
    "The bytes are right, but they come as a bytes",
    q=lambda t: t.encode(),
    r=lambda t: t.encode("utf-8"),
)


wrongs("2.1", "The bytes are right, but in hexadecimal", s=lambda t: [hex(b) for b in t.encode()])


wrongs("2.1", "You have a list for each", t=lambda t: [list(c.encode()) for c in t])


wrongs("2.1", "These are the bytes of UTF-16", u=lambda t: list(t.encode("utf-16-be")))


wrongs(
    "2.1",
    ("The later bytes lack", "The first bytes lack"),
    v=utf8(lead=(0, 0, 0, 0), later=lambda six: six),
)


@wrong("2.1", "A later byte carries more than its six bits")
def unmasked(text):
    found = []
    for code in map(ord, text):
        n = (code >= 0x80) + (code >= 0x800) + (code >= 0x10000)
        found.append([0, 0xC0, 0xE0, 0xF0][n] | code >> 6 * n)
        found += [0x80 | code >> 6 * i for i in reversed(range(n))]
    return found


@wrong("2.1", "The later bytes stand in the wrong order")
def lowest_first(text):
    found = []
    for code in map(ord, text):
        n = (code >= 0x80) + (code >= 0x800) + (code >= 0x10000)
        found.append([0, 0xC0, 0xE0, 0xF0][n] | code >> 6 * n)
        found += [0x80 | code >> 6 * i & 63 for i in range(n)]
    return found


@wrong("2.1", "You shift by eight bits")
def by_eight(text):
    found = []
    for code in map(ord, text):
        n = (code >= 0x80) + (code >= 0x800) + (code >= 0x10000)
        found.append([0, 0xC0, 0xE0, 0xF0][n] | code >> 8 * n)
        found += [0x80 | code >> 8 * i & 63 for i in reversed(range(n))]
    return found


def _with(lead_last=False, mask=0x3F, border=0x800):
    def answer(text):
        out = []
        for c in map(ord, text):
            n = (c >= 0x80) + (c >= border) + (c >= 0x10000)
            tail = [0x80 | c >> 6 * i & mask for i in reversed(range(n))]
            lead = (0, 0xC0, 0xE0, 0xF0)[n] | c >> 6 * n
            out += [*reversed(tail), lead] if lead_last else [lead, *tail]
        return out

    return answer


wrongs("2.1", says="The bytes of a character stand in reverse", turned=_with(lead_last=True))
wrongs("2.1", says="A later byte carries six bits, and yours five", five=_with(mask=0x1F))
wrongs("2.1", says="The second border is misplaced", three_from_0x8000=_with(border=0x8000))
