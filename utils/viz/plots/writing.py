"""Views of a text being written: the tree of a beam search, and one step with its cache."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from utils.llm.sampling.beam import DROPPED, KEPT, STOPPED, BeamNode, BeamSearch
from utils.viz import style
from utils.viz.picture import Picture, picture
from utils.viz.plots.attention import draw_word, set_in_lines, text_axes
from utils.viz.plots.curves import percent

_LETTERS = 15


def beam_tree(
    search: BeamSearch, vocabulary: Sequence[str], prompt: str, finding: str, *, most: int = 8
) -> Picture:
    """All candidates of a beam search, a column a step, the likeliest of each step on top.

    `vocabulary[id]` is a token's word. Behind each word stands the chance of the whole
    continuation so far. A thick line leads to the best text; what was dropped is grey and dashed.
    Of each step the `most` best candidates are drawn, and all that the search went on with.
    """
    best = {node.index for node in search.path(search.best[0].node)} | {0}
    columns = _columns(search.nodes, most)
    deepest = max(len(column) for column in columns)
    spots = {
        node.index: (step, row)
        for step, column in enumerate(columns)
        for row, node in enumerate(column)
    }
    fig, grid = style.figure(height=0.9 + 0.36 * max(deepest, 3))
    ax = grid[0, 0]
    with style.context():
        for column in columns[1:]:
            for node in column:
                _branch(ax, node, spots, node.index in best)
        for column in columns:
            for node in column:
                word = prompt if node.parent is None else vocabulary[node.token]
                _leaf(ax, node, spots[node.index], word, node.index in best)
        ax.set(xlim=(-0.05, len(columns) - 0.12), ylim=(deepest - 0.4, -0.6))
        ax.set_axis_off()
    return picture(fig, finding, words=_tree_in_words(columns, vocabulary, best))


def _columns(nodes: Sequence[BeamNode], most: int) -> list[list[BeamNode]]:
    last = max(node.step for node in nodes)
    columns: list[list[BeamNode]] = [[] for _ in range(last + 1)]
    for node in sorted(nodes, key=lambda node: (-node.total, node.index)):
        if len(columns[node.step]) < most or node.fate != DROPPED:
            columns[node.step].append(node)
    return columns


def _branch(ax: Axes, node: BeamNode, spots: dict[int, tuple[int, int]], on_way: bool) -> None:
    (x0, y0), (x1, y1) = spots[node.parent or 0], spots[node.index]
    look = {"color": style.REST, "lw": 1, "ls": "--"}
    if node.fate != DROPPED:
        look = {"color": style.MODEL, "lw": 3.2 if on_way else 1.2}
    ax.plot([x0 + 0.8, x1 - 0.03], [y0, y1], solid_capstyle="round", zorder=1, **look)


def _leaf(ax: Axes, node: BeamNode, spot: tuple[int, int], word: str, on_way: bool) -> None:
    x, y = spot
    dropped = node.fate == DROPPED
    ink = style.MUTED if dropped else "black"
    edge = style.MODEL if on_way else style.REST
    box = Rectangle((x - 0.03, y - 0.36), 0.83, 0.72, fc="white", ec=edge, lw=2 if on_way else 1)
    box.set_linestyle("--" if dropped else "-")
    box.set_zorder(2)
    ax.add_patch(box)
    weight = {"weight": "bold"} if on_way else {}
    letters = {"va": "center", "color": ink, "zorder": 3}
    ax.text(x, y, _short(word), size=9 if len(word) <= 6 else 7.5, **letters, **weight)
    if node.parent is not None:
        chance = percent(math.exp(node.total)).replace("< 0.1 %", "<.1 %")
        ax.text(x + 0.79, y, chance, ha="right", size=7.5, **letters)


def _short(word: str) -> str:
    return word if len(word) <= _LETTERS else "…" + word[-_LETTERS + 1 :]


def _tree_in_words(
    columns: Sequence[Sequence[BeamNode]], vocabulary: Sequence[str], best: set[int]
) -> str:
    places = {node.index: row + 1 for column in columns for row, node in enumerate(column)}
    said = []
    for step, column in enumerate(columns[1:], start=1):
        told = []
        for node in column:
            behind = f" behind {places[node.parent or 0]}" if step > 1 else ""
            fate = {KEPT: "", STOPPED: ", ended", DROPPED: ", dropped"}[node.fate]
            mark = "*" if node.index in best else ""
            chance = percent(math.exp(node.total))
            told.append(f"{vocabulary[node.token]}{mark}{behind} {chance}{fate}")
        said.append(f"step {step}: " + "; ".join(told))
    return "\n".join([*said, "* on the way to the best text"])


def step_of_writing(
    words: Sequence[str],
    n_prompt: int,
    candidates: Sequence[tuple[str, float, float]],
    chosen: int,
    kept: int,
    finding: str,
    note: str,
) -> Picture:
    """A text whose last word has just been chosen, what it was chosen from, and the cache.

    `candidates` are words with the model's own chance and the chance that the filters gave them,
    0 where they cut it; `chosen` is the number of the last word among them. The first `n_prompt`
    words were given. `kept` tokens came from the cache, those after them were read for this step.
    """
    places, n_lines = set_in_lines(words)
    heights = [0.34 * n_lines + 0.3, 0.3 * len(candidates) + 0.65, 0.75]
    fig, grid = style.figure(3, 1, height=sum(heights) + 0.55, height_ratios=heights)
    with style.context():
        for i, (word, (line, left)) in enumerate(zip(words, places, strict=True)):
            weight = 0.25 if i < n_prompt else 0.0
            draw_word(grid[0, 0], word, line, left, 0.0, framed=i == len(words) - 1)
            if weight:
                grid[0, 0].texts[-1].set_color(style.MUTED)
        text_axes(grid[0, 0], n_lines)
        _candidates(grid[1, 0], candidates, chosen)
        _cache_strip(grid[2, 0], kept, len(words) - 1, note)
    said = ["text: " + " ".join(words[:-1]) + f" [{words[-1]}]"]
    seen = [each for each in candidates if max(each[1:]) >= 0.001]
    pairs = (f"{w} {percent(own)} → {percent(f) if f else 'cut'}" for w, own, f in seen)
    said.append("the model's chances → after the filters: " + ", ".join(pairs))
    return picture(fig, finding, words="\n".join([*said, note]))


def _candidates(ax: Axes, candidates: Sequence[tuple[str, float, float]], chosen: int) -> None:
    rows = range(len(candidates))
    own = [each[1] for each in candidates]
    filtered = [each[2] for each in candidates]
    # Few sizes of axis, so that it doesn't move at every step.
    top = next((size for size in (0.25, 0.5) if max([*own, *filtered]) <= size), 1.0)
    ax.barh(rows, filtered, 0.72, color=style.MODEL, label="what was drawn from")
    ax.barh(rows, own, 0.72, fc="none", ec=style.ORANGE, lw=1.6, ls="--", label="the model's own")
    for row, (own_share, share) in enumerate(zip(own, filtered, strict=True)):
        said = percent(share) if share else "cut"
        look = {"color": style.HIGHLIGHT, "weight": "bold"} if row == chosen else {}
        words = f"{candidates[row][0]}  {said}"
        ax.text(max(own_share, share) + 0.01 * top, row, words, va="center", size=9.5, **look)
    ax.set_yticks([])
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    ticks = [0.25 * top * i for i in range(5)]
    ax.set(xlim=(0, 1.3 * top), xticks=ticks, xlabel="chance to come next")
    ax.legend(loc="lower right")


def _cache_strip(ax: Axes, kept: int, n_tokens: int, note: str) -> None:
    for i in range(n_tokens):
        new = i >= kept
        look = {"fc": style.HIGHLIGHT if new else style.SKY, "ec": "white", "lw": 0.8}
        ax.add_patch(Rectangle((i, 0), 1, 1, hatch="///" if new else "", **look))
    ax.text(0, 1.55, note, va="center", color=style.DATA, size=10)
    ax.set(xlim=(-0.3, max(60, n_tokens) + 0.3), ylim=(0, 2.0))
    ax.set_axis_off()
