"""The pass explorer: go through a GPT step by step, and see what it would say at every depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import ipywidgets as widgets
import torch
from jaxtyping import Float, Int
from torch import Tensor

from utils.llm.gpt.model import GPT
from utils.viz import style
from utils.viz.explorer import Explorer, another, idle
from utils.viz.picture import Picture
from utils.viz.plots.attention import set_in_lines
from utils.viz.plots.gpt import forward_pass_view
from utils.viz.touch.spots import Spot, Spots

MOST = 5  # guesses shown at every depth


class Pass(NamedTuple):
    """One text on its way through a GPT.

    `stream` holds the vectors before the first block and after each half of every block, `maps`
    the attention weights, `chances` what the head makes of the stream at every depth.
    """

    tokens: Sequence[str]
    stream: Float[Tensor, "depths T C"]
    maps: Float[Tensor, "L H T T"]
    chances: Float[Tensor, "depths T V"]


@torch.no_grad()
def half_steps(model: GPT, ids: Int[Tensor, "B T"]) -> Float[Tensor, "depths B T C"]:
    """The residual stream before the first block, and after each half of every block.

    With L layers there are 2 L + 1 depths. Raises ValueError for a post-norm model, whose stream
    is normed on its way.
    """
    if model.config.norm_position != "pre":
        raise ValueError("half_steps needs a pre-norm model: GPTConfig(norm_position='pre')")
    halves: list[Tensor] = []
    hooks = [
        # What the second norm reads is the stream after attention has been added.
        block.norm_2.register_forward_pre_hook(lambda _, args: halves.append(args[0]))
        for block in model.blocks
    ]
    try:
        whole = model.residual_stream(ids)
    finally:
        for hook in hooks:
            hook.remove()
    pairs = zip(halves, whole[1:], strict=True)
    return torch.stack([whole[0], *(x for pair in pairs for x in pair)])


@torch.no_grad()
def run_through(model: GPT, ids: Sequence[int], tokens: Sequence[str]) -> Pass:
    """One text through the model, with all that happens on the way."""
    batch = torch.tensor([list(ids)])
    stream = half_steps(model, batch)
    chances = model.head(model.final_norm(stream)).softmax(-1)
    return Pass(tokens, stream[:, 0], model.maps(batch)[0], chances[:, 0])


def depth_names(n_layers: int) -> list[str]:
    """What has been added at each depth.

    >>> depth_names(1)
    ['embedding', 'block 1, attention', 'block 1, feed-forward']
    """
    halves = ("attention", "feed-forward")
    return ["embedding"] + [f"block {i + 1}, {half}" for i in range(n_layers) for half in halves]


def pass_explorer(
    model: GPT,
    prompts: Sequence[str],
    read: Callable[[str], Sequence[int]],
    vocabulary: Sequence[str],
    *,
    step: int = 0,
    head: int = 1,
    word: int = -1,
) -> Explorer:
    """A text to edit, and sliders for the step of the pass, the head, and the word.

    `read(text)` gives ids, `vocabulary[id]` the word of each; an error it raises is shown below
    the picture. A word and a depth can be clicked, too. `step` counts from 0, the embedding, to
    2 L + 1, the way out; heads count from 1. A `word` below 0 counts from the end. A button goes
    through `prompts`.
    """
    if not prompts:
        raise ValueError("prompts is empty; give at least one to begin with")

    @lru_cache(maxsize=8)
    def remembered(text: str) -> Pass:
        ids = list(read(text))
        return run_through(model, ids, [vocabulary[i] for i in ids])

    depths = depth_names(model.config.n_layers)
    first = remembered(prompts[0])
    controls = {
        "prompt": widgets.Textarea(
            prompts[0], rows=4, continuous_update=False, layout={"width": "min(780px, 98%)"}
        ),
        "another_prompt": another("prompt", prompts),
        "step": widgets.SelectionSlider(
            options=[(name, i) for i, name in enumerate([*depths, "head"])], value=step
        ),
        "head": widgets.IntSlider(
            head, min=1, max=model.config.n_heads, description="attention head"
        ),
        "word": widgets.IntSlider(
            word % len(first.tokens), min=0, max=len(first.tokens) - 1, continuous_update=True
        ),
    }
    shown, stage = [0], Spots()

    def draw(prompt: str, another_prompt: int, step: int, head: int, word: int) -> Picture:
        if another_prompt != shown[0]:
            shown[0] = another_prompt
            prompt = controls["prompt"].value = prompts[another_prompt % len(prompts)]
            word = len(remembered(prompt).tokens) - 1
        one = remembered(prompt)
        last = len(one.tokens) - 1
        controls["word"].max = last
        word = controls["word"].value = min(word, last)
        idle(controls["head"], _no_head(depths, step, model.config.n_heads))
        idle(controls["word"], "" if last else "there is only one")
        drawn = _view(one, vocabulary, depths, step, head - 1, word)
        stage.draw(drawn, _spots(drawn, one.tokens, len(depths)))
        return drawn

    def click(said: dict[str, Any]) -> None:
        controls[said["control"]].value = int(said["value"])

    stage.when_told(click)
    return Explorer(controls, draw, stage)


def _no_head(depths: Sequence[str], step: int, n_heads: int) -> str:
    """Why there is no head to choose; empty where there is."""
    if step == len(depths) or not depths[step].endswith("attention"):
        return "only where attention is added"
    return "" if n_heads > 1 else "there is only one"


def _spots(drawn: Picture, tokens: Sequence[str], n_depths: int) -> list[Spot]:
    """Where the words and the columns (or rows) of the depths are, with room for a finger."""
    text, depths = drawn.panels()
    places, _ = set_in_lines(tokens)
    words = [
        Spot(text, left - 0.5, left + len(token) + 0.5, line - 0.5, line + 0.5, "word", i)
        for i, (token, (line, left)) in enumerate(zip(tokens, places, strict=True))
    ]
    (left, right), (low, high) = depths.xlim, depths.ylim
    if style.narrow():
        return words + [
            Spot(depths, left, right, i - 0.48, i + 0.48, "step", i) for i in range(n_depths)
        ]
    columns = [Spot(depths, i - 0.48, i + 0.48, low, high, "step", i) for i in range(n_depths)]
    return words + columns


def _view(
    one: Pass, vocabulary: Sequence[str], depths: Sequence[str], step: int, head: int, word: int
) -> Picture:
    depth = min(step, len(depths) - 1)
    best = one.chances[:, word].topk(MOST)
    guesses = [
        [(vocabulary[i], p) for i, p in zip(ids, chances, strict=True)]
        for ids, chances in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
    weights, note = _happens(one, depths, step, head, word)
    name = "Head" if step > depth else depths[depth].capitalize()
    finding = f"{name}: after “{one.tokens[word]}” the model would say “{guesses[depth][0][0]}”"
    return forward_pass_view(one.tokens, weights, word, depths, guesses, depth, finding, note)


def _happens(
    one: Pass, depths: Sequence[str], step: int, head: int, word: int
) -> tuple[Tensor, str]:
    """What the step reads (T,), and what it does to the framed word, in a sentence."""
    nothing = torch.zeros(len(one.tokens))
    token, width = one.tokens[word], one.stream.shape[-1]
    if step == 0:
        return nothing, f"“{token}” has been looked up: a vector of {width} numbers"
    if step == len(depths):
        v = one.chances.shape[-1]
        return nothing, f"the last vector, normed, against {v} words: {v} logits, then a softmax"
    before, after = one.stream[step - 1, word], one.stream[step, word]
    size = (after - before).norm() / before.norm()
    changed = f"what it adds is {size:.1f} times as long as what was there"
    if depths[step].endswith("attention"):
        row = one.maps[(step - 1) // 2, head, word]
        target = int(row.argmax())
        where = "itself" if target == word else f"“{one.tokens[target]}”, {word - target} back"
        return row, f"head {head + 1} looks most at {where}; all heads: {changed}"
    return nothing, f"it works on “{token}” alone: {changed}"
