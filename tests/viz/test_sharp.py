"""What a notebook keeps of a picture: twice the pixels, and no more bytes."""

from __future__ import annotations

import asyncio
import io

import ipywidgets as widgets
import numpy as np
from PIL import Image

from utils.viz import plots
from utils.viz.explorer import Explorer
from utils.viz.picture import Picture


def rising() -> Picture:
    x = np.arange(20.0)
    return plots.lines({"model": (x, 2 * x)}, "step", "bits", "It rises.", floor=0.473)


def test_a_notebook_keeps_a_picture_sharp_and_no_larger():
    drawn = rising()
    data, metadata = drawn._repr_mimebundle_()
    kept = Image.open(io.BytesIO(data["image/png"]))
    assert kept.size == (2 * drawn.width, 2 * drawn.height)
    assert (metadata["image/png"]["width"], metadata["image/png"]["height"]) == (800, 400)
    assert len(data["image/png"]) < 1.3 * len(drawn.png())
    assert kept.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert rising()._repr_mimebundle_()[0] == data


def test_no_colour_is_far_from_what_was_drawn():
    shades = np.linspace(0, 1, 48 * 16).reshape(16, 48)
    drawn = plots.heatmap(
        shades, [str(i) for i in range(16)], [str(i) for i in range(48)], "It grows.",
        xlabel="column", ylabel="row", value="how much",
    )  # fmt: skip
    kept = Image.open(io.BytesIO(drawn.sharp())).convert("RGB")
    plain = Image.open(io.BytesIO(drawn.png())).convert("RGB")
    small = np.asarray(kept.resize(plain.size, Image.Resampling.BOX), dtype=float)
    apart = np.abs(small - np.asarray(plain, dtype=float))
    assert np.median(apart) < 2
    assert apart.mean() < 4


def test_what_is_moved_is_sharp_when_nothing_moves_any_more(monkeypatch):
    monkeypatch.setattr("utils.viz.explorer._STILL", 0.01)

    def draw(slope: float) -> Picture:
        return plots.lines({"a": [0.0, slope]}, "x", "y", f"Slope {slope:g}.")

    async def moved() -> Explorer:
        piece = Explorer({"slope": widgets.FloatSlider(1.0, min=0, max=5)}, draw)
        sharpen = piece.image.sharpen
        piece.image.sharpen = lambda drawn: (made.append(drawn.finding), sharpen(drawn))
        for slope in (2.0, 4.0):
            piece.controls["slope"].value = slope
            assert piece.image.value == piece.picture.png()
        while piece.image.value != piece.picture.sharp():
            await asyncio.sleep(0.01)
        return piece

    made: list[str] = []
    assert asyncio.run(asyncio.wait_for(moved(), 30)).picture.finding == "Slope 4."
    assert made == ["Slope 4."], "once, not for each move on the way"


def test_the_first_picture_is_sharp_too():
    piece = Explorer({"n": widgets.IntSlider()}, lambda n: rising())
    data, _ = piece._repr_mimebundle_()
    assert piece.image.value == data["image/png"] == rising().sharp()
