"""One look for every figure of the course.

The palette is Okabe and Ito's, which people with any kind of colour vision can tell apart
(M. Okabe, K. Ito, *Color Universal Design*, 2008), darkened so that a line stands out from white.
A colour has a role, and keeps it from the first chapter to the last: what is true is black, what
the model believes is blue, what it is compared with is orange first.

Figures are built without pyplot and inside `context()`, so that no global state changes:
a reader's own matplotlib settings stay as they were.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.ticker import FuncFormatter, NullFormatter

BLACK, ORANGE, SKY, GREEN = "#000000", "#CF8100", "#1B9AE6", "#00855F"
BLUE, VERMILLION, PURPLE = "#005A94", "#B03000", "#C86FA4"
#: For areas, with dark words on them; too pale for a line.
PALE_ORANGE, PALE_SKY, YELLOW = "#E69F00", "#56B4E9", "#F0E442"

TRUTH = BLACK
MODEL = BLUE
BASELINES = (ORANGE, GREEN, PURPLE, SKY, VERMILLION)
HIGHLIGHT = VERMILLION
DATA = "#444444"
MUTED = "#767676"
FAINT = "#949494"  # lines
REST = "#BBBBBB"  # areas

CYCLE = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, BLACK)
#: What tells curves apart besides their colour.
DASHES = ("-", (0, (6, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (2, 1)), (0, (9, 2)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")
SEQUENTIAL = "Blues"
DIVERGING = "PuOr"

DPI = 100
WIDTH, HEIGHT = 8.0, 4.0

FONT = "DejaVu Sans"  # comes with matplotlib, and has no Hangul
#: Of Windows, of macOS, of Linux's packages fonts-noto-cjk and fonts-nanum.
HANGUL = (
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "Noto Sans CJK KR",
    "Noto Sans CJK JP",  # one file for all of CJK, which goes by the first name in it
    "Noto Sans KR",
    "NanumGothic",
)
RC = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "white",
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.labelsize": 11,
    "axes.prop_cycle": matplotlib.cycler(color=CYCLE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.dpi": DPI,
    "figure.facecolor": "white",
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "font.family": FONT,
    "font.size": 11,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "hatch.linewidth": 0.6,
    "image.cmap": SEQUENTIAL,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "lines.markersize": 6,
    "savefig.dpi": DPI,
    "savefig.facecolor": "white",
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
}


@contextmanager
def context() -> Iterator[None]:
    """Matplotlib's settings for the figures of the course, and the reader's own again after."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC | {"font.family": list(families())})
        yield


_narrow: ContextVar[bool] = ContextVar("narrow", default=False)
_STACKED = 3.8, 2.6  # inches, of a panel on a phone


def narrow() -> bool:
    """Whether the page that figures are drawn for is as narrow as a phone's."""
    return _narrow.get()


def page_width() -> float:
    """How wide a figure may be on the page that it is drawn for, in inches."""
    return _STACKED[0] if narrow() else WIDTH


@contextmanager
def page(narrow: bool) -> Iterator[None]:
    """How wide the page is that figures are drawn for meanwhile: as a phone's, or not."""
    before = _narrow.set(narrow)
    try:
        yield
    finally:
        _narrow.reset(before)


def legend(ax: Axes, loc: str, **look: Any) -> None:
    """A legend within the axes; on a narrow page above them, where it hides nothing."""
    if narrow():
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8, columnspacing=1)
    else:
        ax.legend(loc=loc, **look)


def pie_title() -> str:
    """Where the title of a pie stands: above its middle, unless a narrow page would cut it off."""
    return "left" if narrow() else "center"


def figure(
    n_rows: int = 1,
    n_columns: int = 1,
    *,
    width: float = WIDTH,
    height: float = HEIGHT,
    stacks: bool = False,
    **subplots: object,
) -> tuple[Figure, np.ndarray]:
    """A new figure and its axes, (n_rows, n_columns); sizes in inches, 100 pixels each.

    Draw inside `with context():`, or artists made later take the reader's own settings. A row that
    `stacks` comes one below the other on a narrow page; its axes are still (1, n_columns).
    """
    if stacks and narrow():
        low = n_columns * min(height, _STACKED[1]) + 0.5
        fig, grid = figure(n_columns, 1, width=_STACKED[0], height=low)
        return fig, grid.T
    with context():
        fig = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        return fig, fig.subplots(n_rows, n_columns, squeeze=False, **subplots)


def colour(label: str, position: int = 0) -> str:
    """The colour of a series: by its role where its label names one, else by its position.

    >>> colour("truth") == TRUTH, colour("your model") == MODEL, colour("bigram", 0) == BASELINES[0]
    (True, True, True)
    """
    words = label.lower().split()
    if {"truth", "true", "floor"} & set(words):
        return TRUTH
    if {"model", "gpt", "yours"} & set(words):
        return MODEL
    return BASELINES[position % len(BASELINES)]


def colours(labels: Sequence[str]) -> list[str]:
    """One colour a label, roles first; the others take the baselines' colours in order.

    >>> colours(["unigram", "truth", "bigram"]) == [BASELINES[0], TRUTH, BASELINES[1]]
    True
    """
    taken, position = [], 0
    for label in labels:
        taken.append(colour(label, position))
        position += taken[-1] not in (TRUTH, MODEL)
    return taken


def text_on(background: str | tuple[float, ...]) -> str:
    """Black or white, whichever is easier to read on a background.

    >>> text_on(BLUE), text_on(YELLOW)
    ('white', 'black')
    """
    return "white" if contrast(background, "white") >= contrast(background, "black") else "black"


def contrast(one: str | tuple[float, ...], other: str | tuple[float, ...]) -> float:
    """WCAG's contrast of two colours, from 1 to 21; text needs 4.5, a line 3.

    >>> round(contrast("black", "white"), 2), round(contrast(MUTED, "white"), 2)
    (21.0, 4.54)
    """
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str | tuple[float, ...]) -> float:
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@cache
def families() -> tuple[str, ...]:
    """The fonts of the figures: matplotlib's own, then those of HANGUL that this machine has.

    What the first lacks is drawn with the next, letter by letter.
    """
    here = {font.name for font in fontManager.ttflist}
    return (FONT, *(name for name in HANGUL if name in here))


@cache
def _glyphs() -> frozenset[int]:
    """The code points that the fonts of the figures can draw."""
    paths = [findfont(FontProperties(family=name)) for name in families()]
    return frozenset().union(*(get_font(path).get_charmap() for path in paths))


def drawable(text: str) -> str:
    """The text with what no font here can draw written as its code point.

    >>> drawable("café")
    'café'
    >>> drawable("𐎀 kite")
    '[U+10380] kite'
    """
    known = _glyphs()
    return "".join(
        letter if ord(letter) in known or letter == "\n" else f"[U+{ord(letter):04X}]"
        for letter in text
    )


def wrapped(text: str, inches: float, size: float = 12) -> str:
    """The text broken into lines that fit a width at a font size in points (bold DejaVu).

    As few lines as will do, and none of them a lonely word where they can be of one length.
    """
    letters = max(12, int(inches * 72 / (size * 0.62)))
    return "\n".join(line for part in text.split("\n") for line in _even(part, letters))


def wrapped_note(text: str) -> str:
    """A note of size 10 for below a figure: one line, or as many as a narrow page needs."""
    return wrapped(text, page_width() + 0.5, 10) if narrow() else text


def _even(text: str, letters: int) -> list[str]:
    lines = textwrap.wrap(text, letters) or [""]
    least = max(len(text) // len(lines), *map(len, text.split() or [""]))
    for fewer in range(letters - 1, least, -1):
        narrower = textwrap.wrap(text, fewer)
        if len(narrower) > len(lines):
            break
        lines = narrower
    return lines


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def plain_number(value: float) -> str:
    """A tick's number as people write it: 0.001, 10, 1,000, 2 · 10⁹.

    >>> plain_number(1000.0), plain_number(0.25), plain_number(2e9), plain_number(1e-11)
    ('1,000', '0.25', '2 · 10⁹', '10⁻¹¹')
    """
    if value != 0 and not 1e-4 <= abs(value) < 1e7:
        digits, _, power = f"{value:.2e}".partition("e")
        digits = digits.rstrip("0").rstrip(".")
        ten = "10" + str(int(power)).translate(_RAISED)
        return {"1": ten, "-1": f"-{ten}"}.get(digits, f"{digits} · {ten}")
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def log_scale(ax: Axes, axis: str) -> None:
    """Make the `"x"` or the `"y"` axis logarithmic, its ticks in plain numbers."""
    if axis not in ("x", "y"):
        raise ValueError(f"axis is {axis!r}; it must be 'x' or 'y'")
    getattr(ax, f"set_{axis}scale")("log")
    side = getattr(ax, f"{axis}axis")
    side.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))
    side.set_minor_formatter(NullFormatter())
