"""Every line stands out from the page, every word can be read, and no two series look alike."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from utils.viz import style

SERIES = {"highlight": style.HIGHLIGHT, **{f"series {i}": ink for i, ink in enumerate(style.CYCLE)}}
LINES = SERIES | {"data": style.DATA, "muted": style.MUTED, "faint": style.FAINT}
WORDS = (style.BLACK, style.BLUE, style.GREEN, style.VERMILLION, style.DATA, style.MUTED)
#: What eyes without one kind of cone make of linear colours (Machado and others 2009).
EYES = {
    "all cones": np.eye(3),
    "no red": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no green": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "no blue": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
#: What the sheet's filter makes of white in a dark theme, and its turn of the hues.
DARK = 0.067
TURN = np.array([[-0.574, 1.430, 0.144], [0.426, 0.430, 0.144], [0.426, 1.430, -0.856]])


def turned(colour: str) -> np.ndarray:
    """A colour as a dark theme shows it."""
    rgb = np.array(to_rgb(colour))
    return (TURN @ (DARK * rgb + (1 - DARK) * (1 - rgb))).clip(0, 1)


def lab(rgb: np.ndarray, eyes: str) -> np.ndarray:
    """A colour as people tell it from others: in CIELAB, 1 is as little as can be seen."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = (np.array(EYES[eyes]) @ linear).clip(0, 1)
    to_xyz = [[0.412, 0.358, 0.180], [0.213, 0.715, 0.072], [0.019, 0.119, 0.950]]
    x, y, z = np.cbrt(np.maximum(to_xyz @ linear / [0.950, 1, 1.089], 0.009))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("name", LINES)
def test_a_line_stands_out_from_a_white_page_and_from_a_dark_one(name: str) -> None:
    assert style.contrast(LINES[name], "white") >= 3
    assert style.contrast(turned(LINES[name]), turned("white")) >= 3


@pytest.mark.parametrize("ink", WORDS)
def test_words_can_be_read_on_a_white_page_and_on_a_dark_one(ink: str) -> None:
    assert style.contrast(ink, "white") >= 4.5
    assert style.contrast(turned(ink), turned("white")) >= 4.5


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize(("seen", "least"), [(to_rgb, 15), (turned, 11)], ids=["light", "dark"])
def test_no_two_series_look_alike(seen, least, eyes) -> None:
    places = {ink: lab(np.array(seen(ink)), eyes) for ink in set(style.CYCLE)}
    apart = {
        (one, other): float(np.linalg.norm(places[one] - places[other]))
        for one, other in combinations(places, 2)
    }
    assert min(apart.values()) >= least, min(apart, key=apart.get)


def test_dark_words_can_be_read_on_the_pale_colours() -> None:
    for ground in (style.PALE_ORANGE, style.PALE_SKY, style.YELLOW, style.REST):
        assert style.text_on(ground) == "black"
        assert style.contrast(ground, "black") >= 7
