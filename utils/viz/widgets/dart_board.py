"""The dart board: a sampler's pie, darts thrown at it, and the true pie beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import ipywidgets as widgets
import torch
from torch import Tensor

from utils.llm.sampling.loop import Sampler, temperature, top_k, top_p
from utils.viz.explorer import Explorer, another, idle
from utils.viz.picture import Picture
from utils.viz.plots.sampling import board_slices, dart_board
from utils.viz.touch.board import Board

_KEEP = (1, 2, 3, 4, 6, 8, 12, 16, 24, 50)


def dart_explorer(
    logits: Callable[[str], Tensor],
    prompts: Sequence[str],
    vocabulary: Sequence[str],
    truth: Callable[[str], Mapping[str, float]],
    *,
    darts: int = 100,
    seed: int = 0,
) -> Explorer:
    """Sliders for temperature, k and p; buttons for darts, and to go through the beginnings.

    `logits(prompt)` (V,) are the model's for the word after a prompt, `truth(prompt)` the true
    chances. The darts stay where they are while a slider moves: the slices move below them. A
    click on the board throws a dart there.
    """
    if not prompts:
        raise ValueError("prompts is empty; give at least one beginning")
    scores = lru_cache(maxsize=16)(logits)
    generator = torch.Generator().manual_seed(seed)
    thrown = torch.rand(darts, generator=generator, dtype=torch.float64)
    before = [0, 0, 0]  # clicks seen
    pile, aimed = [thrown], dict[int, float]()
    stage = Board()

    def throw(one: int, thousand: int, pull_out: int) -> Tensor:
        more = one - before[0] + 1000 * (thousand - before[1])
        if pull_out != before[2]:
            pile[0] = pile[0][:0]
            aimed.clear()
        if more:
            new = torch.rand(more, generator=generator, dtype=torch.float64)
            pile[0] = torch.cat([pile[0], new])
        before[:] = one, thousand, pull_out
        return pile[0]

    def draw(
        another_beginning: int, heat: float, k: int, p: float, throw_one: int,
        throw_a_thousand: int, pull_out_all: int,
    ) -> Picture:  # fmt: skip
        after = prompts[another_beginning % len(prompts)]
        landed = throw(throw_one, throw_a_thousand, pull_out_all)
        idle(controls["pull_out_all"], "" if len(landed) else "there are none")
        for name, why in _overruled(heat, k, p).items():
            idle(controls[name], why)
        sampler = Sampler(temperature(heat), top_k(k or len(vocabulary)), top_p(p))
        chances = sampler.probabilities(scores(after)).double()
        board = dict(zip(vocabulary, (chances / chances.sum()).tolist(), strict=True))
        board = {word: share for word, share in board.items() if share > 0}
        finding = _finding(after, heat, board, truth(after))
        drawn = dart_board(board, landed, truth(after), finding, aimed=aimed)
        stage.draw(drawn, board_slices(board))
        return drawn

    def aim(part: float, far: float) -> None:
        aimed[len(pile[0])] = far
        pile[0] = torch.cat([pile[0], torch.tensor([part], dtype=torch.float64)])
        explorer.update()

    keep = [(str(k), k) for k in _KEEP if k < len(vocabulary)] + [("all", 0)]
    controls = {
        "another_beginning": another("beginning", prompts),
        "heat": widgets.FloatSlider(1.0, min=0, max=3, step=0.1, description="temperature"),
        "k": widgets.SelectionSlider(options=keep, value=0),
        "p": widgets.FloatSlider(1.0, min=0, max=1, step=0.05),
        "throw_one": widgets.Button(),
        "throw_a_thousand": widgets.Button(),
        "pull_out_all": widgets.Button(),
    }
    explorer = Explorer(controls, draw, stage)
    stage.when_thrown(aim)
    return explorer


def _overruled(heat: float, k: int, p: float) -> dict[str, str]:
    """Why each of the sliders can do nothing now; one that leaves a single word can itself."""
    alone = {"heat": heat == 0, "k": k == 1, "p": p < 1e-9}
    first = next((name for name, one in alone.items() if one), None)
    return {name: "one word is left" if first not in (None, name) else "" for name in alone}


def _finding(
    after: str, heat: float, board: Mapping[str, float], truth: Mapping[str, float]
) -> str:
    impossible = sum(share for word, share in board.items() if not truth.get(word))
    said = f"{len(board)} slice{'s' if len(board) > 1 else ''}"
    wrong = "under 0.1" if impossible < 0.001 else f"{100 * impossible:.2g}"
    return f"{_tail(after)} … at temperature {heat:.1f}: {said}, {wrong} % of the board impossible"


def _tail(text: str, most: int = 48) -> str:
    if not text:
        return "(the beginning of a story)"
    if len(text) <= most:
        return text
    return "… " + text[-most:].split(" ", 1)[-1]
