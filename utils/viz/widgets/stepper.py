"""The stepper: a text written a token at a time, what each is drawn from, and the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import ipywidgets as widgets
import torch
from torch import Tensor

from utils.llm.gpt.model import GPT
from utils.llm.sampling.loop import Sampler, draw, temperature, top_p
from utils.viz.explorer import Explorer, another, idle
from utils.viz.picture import Picture
from utils.viz.plots.writing import step_of_writing

MOST = 7  # candidates shown


class Step(NamedTuple):
    """A token and what it was drawn from: the model's own chances, and the filtered ones (V,)."""

    token: int
    own: Tensor
    filtered: Tensor


@torch.inference_mode()
def write_steps(
    model: GPT,
    ids: Sequence[int],
    most: int,
    sampler: Sampler,
    stop_id: int | None,
    seed: int,
) -> list[Step]:
    """Up to `most` tokens after a prompt, each with its chances; a stop token is the last."""
    generator = torch.Generator().manual_seed(seed)
    room = len(ids) + most
    if room > model.config.context_length:
        raise ValueError(
            f"{len(ids)} tokens and {most} more don't fit into a context of"
            f" {model.config.context_length}; give a shorter prompt, or ask for fewer"
        )
    caches, given, steps = model.make_caches(1, room), torch.tensor([list(ids)]), []
    while len(steps) < most:
        logits = model(given, caches=caches)[:, -1]  # (1, V)
        chances = sampler.probabilities(logits)
        token = draw(chances, generator)  # (1,)
        steps.append(Step(int(token), logits[0].softmax(-1), chances[0]))
        if int(token) == stop_id:
            break
        given = token[:, None]
    return steps


def step_explorer(
    model: GPT,
    prompts: Sequence[str],
    read: Callable[[str], Sequence[int]],
    vocabulary: Sequence[str],
    *,
    stop_id: int | None = None,
    most: int = 50,
    step: int = 1,
    heat: float = 1.0,
    seed: int = 0,
) -> Explorer:
    """Sliders for the step, the temperature and p; buttons for a beginning and other dice.

    `read(prompt)` gives ids, `vocabulary[id]` the word of each. The step counts from 1, the first
    word after the prompt. Going back shows the same words; the same dice fall for every setting.
    """
    if not prompts:
        raise ValueError("prompts is empty; give at least one beginning")

    @lru_cache(maxsize=32)
    def written(prompt: str, heat: float, p: float, again: int) -> list[Step]:
        sampler = Sampler(temperature(heat), top_p(p))
        return write_steps(model, read(prompt), most, sampler, stop_id, seed + again)

    controls = {
        "another_beginning": another("beginning", prompts),
        "step": widgets.IntSlider(step, min=1, max=most),
        "heat": widgets.FloatSlider(heat, min=0, max=3, step=0.1, description="temperature"),
        "p": widgets.FloatSlider(1.0, min=0, max=1, step=0.05),
        "other_dice": widgets.Button(),
    }

    def draw_step(
        another_beginning: int, step: int, heat: float, p: float, other_dice: int
    ) -> Picture:
        prompt = prompts[another_beginning % len(prompts)]
        alone = "the likeliest word is taken"
        idle(controls["heat"], alone if heat > 0 and p < 1e-9 else "")
        idle(controls["p"], alone if heat == 0 else "")
        idle(controls["other_dice"], alone if heat == 0 or p < 1e-9 else "")
        steps = written(prompt, round(heat, 2), round(p, 2), other_dice)
        controls["step"].max = len(steps)
        step = min(step, len(steps))
        return _view(model, read(prompt), steps[:step], vocabulary)

    return Explorer(controls, draw_step)


def _view(
    model: GPT, prompt: Sequence[int], steps: Sequence[Step], vocabulary: Sequence[str]
) -> Picture:
    now = steps[-1]
    ids = [*prompt, *(each.token for each in steps)]
    best = now.own.topk(min(MOST, len(now.own))).indices.tolist()
    if now.token not in best:
        best[-1] = now.token
    candidates = [(vocabulary[i], float(now.own[i]), float(now.filtered[i])) for i in best]
    read = len(prompt) if len(steps) == 1 else 1
    kept = len(ids) - 1 - read
    size = (len(ids) - 1) * model.kv_bytes_per_token() / 1024
    note = (
        f"read for this word: {read} (hatched), kept in the cache: {kept}; "
        f"the cache takes {size:,.0f} KiB"
    )
    word, share = vocabulary[now.token], float(now.filtered[now.token])
    sure = "for certain" if share > 0.995 else f"by a chance of {100 * share:.2g} %"
    finding = f"Step {len(steps)}: “{word}”, {sure}"
    words = [vocabulary[i] for i in ids]
    return step_of_writing(
        words, len(prompt), candidates, best.index(now.token), kept, finding, note
    )
