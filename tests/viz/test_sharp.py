"""What a notebook keeps of a picture: twice the pixels, and no more bytes."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from utils.viz import plots
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
