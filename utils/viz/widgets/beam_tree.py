"""The beam tree: how many beams, how many words, and which beginnings survive."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import ipywidgets as widgets
import torch
from torch import Tensor

from utils.llm.sampling.beam import BeamSearch, beam_search
from utils.viz.explorer import Explorer, another
from utils.viz.picture import Picture
from utils.viz.plots.curves import percent
from utils.viz.plots.writing import beam_tree


def beam_explorer(
    model: Callable[..., Tensor],
    prompts: Sequence[str],
    read: Callable[[str], Sequence[int]],
    vocabulary: Sequence[str],
    *,
    beams: int = 2,
    steps: int = 4,
    stop_ids: Sequence[int] = (),
    cache: bool = True,
) -> Explorer:
    """Sliders for the number of beams, from 1 (greedy) to 5, and of new tokens, from 1 to 6.

    `read(prompt)` gives ids, `vocabulary[id]` the word of each. `model` is a `GPT`, or, without a
    cache, any function from ids (B, T) to logits (B, T, V).
    """
    if not prompts:
        raise ValueError("prompts is empty; give at least one beginning")

    @lru_cache(maxsize=64)
    def searched(prompt: str, beams: int, steps: int) -> BeamSearch:
        ids = torch.tensor(list(read(prompt)))
        # Ranked by probability alone: the chances in the picture decide.
        return beam_search(
            model, ids, steps, beams, length_penalty=0.0, stop_ids=stop_ids, cache=cache
        )

    def draw(another_beginning: int, beams: int, steps: int) -> Picture:
        after = prompts[another_beginning % len(prompts)]
        found = searched(after, beams, steps)
        return beam_tree(found, vocabulary, _last_words(after), _finding(found, vocabulary, beams))

    controls = {
        "another_beginning": another("beginning", prompts),
        "beams": widgets.IntSlider(beams, min=1, max=5),
        "steps": widgets.IntSlider(steps, min=1, max=6),
    }
    return Explorer(controls, draw)


def _finding(found: BeamSearch, vocabulary: Sequence[str], beams: int) -> str:
    best = found.best[0]
    text = " ".join(vocabulary[i] for i in best.ids)
    who = "Greedy" if beams == 1 else f"{beams} beams"
    kept = percent(math.exp(best.log_probability))
    return f"{who}: “{text}”, chance {kept}"


def _last_words(text: str, most: int = 12) -> str:
    return text if len(text) <= most else "… " + text[-most:].split(" ", 1)[-1]
