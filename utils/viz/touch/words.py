"""A text in which each word shows, when it is pointed at, where it looks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.colors import to_hex
from torch import Tensor
from traitlets import Bytes, Dict, Int, List, Unicode

from utils.viz import style
from utils.viz.touch.over import Stage, script

_SHADES = 50


class Words(Stage):
    """The words of a text, shaded by what the chosen one, or the one pointed at, looks at.

    A click chooses a word: `chosen` follows it.
    """

    _esm = script("words.js")
    words = List(Unicode()).tag(sync=True)
    said = List(Unicode()).tag(sync=True)
    weights = Bytes().tag(sync=True)
    shades = List(List(Unicode())).tag(sync=True)
    inks = Dict({"frame": style.HIGHLIGHT}).tag(sync=True)
    chosen = Int().tag(sync=True)

    def __init__(self, chosen: int = 0) -> None:
        super().__init__(chosen=chosen, shades=_shades())

    def show(self, words: Sequence[str], weights: Tensor, said: Sequence[str]) -> None:
        """Another text or another map (T, T), and a sentence for each word, of where it looks."""
        small = weights.detach().to(torch.float32).cpu().contiguous()
        with self.hold_sync():
            self.words, self.said, self.weights = list(words), list(said), small.numpy().tobytes()


def _shades() -> list[list[str]]:
    """For weights from 0 to 1: what lies behind a word, and the colour of its letters."""
    shades = style.matplotlib.colormaps[style.SEQUENTIAL]
    fills = [to_hex(shades(0.85 * i / (_SHADES - 1))) for i in range(_SHADES)]
    return [[fill, to_hex(style.text_on(fill))] for fill in fills]
