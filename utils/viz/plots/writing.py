"""Views of a text being written: the tree of a beam search, and one step with its cache."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from utils.llm.sampling.beam import DROPPED, KEPT, STOPPED, BeamNode, BeamSearch
from utils.viz import style
from utils.viz.picture import Picture, picture
from utils.viz.plots.attention import draw_word, n_note_lines, set_in_lines, text_axes
from utils.viz.plots.curves import percent

_LETTERS = 15
_LAST_LINES = 6  # of a text, on a narrow page
Spot = tuple[float, int]


def beam_tree(
    search: BeamSearch, vocabulary: Sequence[str], prompt: str, finding: str, *, most: int = 8
) -> Picture:
    """All candidates of a beam search, a column a step, the likeliest of each step on top.

    `vocabulary[id]` is a token's word. Behind each word stands the chance of the whole
    continuation so far. A thick line leads to the best text; what was dropped is grey and dashed.
    Of each step the `most` best candidates are drawn, and all that the search went on with.
    On a narrow page the tree is an outline: what goes on with a word stands below it, set in.
    """
    best = {node.index for node in search.path(search.best[0].node)} | {0}
    columns = _columns(search.nodes, most)
    outlined = style.narrow()
    spots = _outline(search.nodes) if outlined else _side_by_side(columns)
    deepest = 1 + max(row for _, row in spots.values())
    fig, grid = style.figure(
        width=style.page_width(), height=0.9 + (0.3 if outlined else 0.36) * max(deepest, 3)
    )
    ax = grid[0, 0]
    with style.context():
        for node in (node for column in columns for node in column if node.index in spots):
            word = prompt if node.parent is None else vocabulary[node.token]
            if node.parent is not None:
                _branch(ax, node, spots, node.index in best)
            _leaf(ax, node, spots[node.index], word, node.index in best)
        ax.set(xlim=(-0.05, _OUTLINE if outlined else len(columns) - 0.12))
        ax.set(ylim=(deepest - 0.4, -0.6))
        ax.set_axis_off()
    return picture(fig, finding, words=_tree_in_words(columns, vocabulary, best))


#: How far an outline goes to the right, in boxes and their gaps; how far a step is set in.
_OUTLINE, _SET_IN = 1.75, 0.14
_OUTLINED = 4  # candidates of a step


def _side_by_side(columns: Sequence[Sequence[BeamNode]]) -> dict[int, Spot]:
    return {
        node.index: (step, row)
        for step, column in enumerate(columns)
        for row, node in enumerate(column)
    }


def _outline(nodes: Sequence[BeamNode]) -> dict[int, Spot]:
    """Each node below the one that it continues, the likeliest of these first."""
    shown = [node for column in _columns(nodes, _OUTLINED) for node in column]
    spots: dict[int, Spot] = {}

    def place(node: BeamNode) -> None:
        spots[node.index] = _SET_IN * node.step, len(spots)
        for other in shown:
            if other.parent == node.index:
                place(other)

    place(shown[0])
    return spots


def _columns(nodes: Sequence[BeamNode], most: int) -> list[list[BeamNode]]:
    last = max(node.step for node in nodes)
    columns: list[list[BeamNode]] = [[] for _ in range(last + 1)]
    for node in sorted(nodes, key=lambda node: (-node.total, node.index)):
        if len(columns[node.step]) < most or node.fate != DROPPED:
            columns[node.step].append(node)
    return columns


def _branch(ax: Axes, node: BeamNode, spots: dict[int, Spot], on_way: bool) -> None:
    (x0, y0), (x1, y1) = spots[node.parent or 0], spots[node.index]
    look = {"color": style.FAINT, "lw": 1, "ls": "--"}
    if node.fate != DROPPED:
        look = {"color": style.MODEL, "lw": 3.2 if on_way else 1.2}
    x, y = [x0 + 0.8, x1 - 0.03], [y0, y1]
    if style.narrow():
        x, y = [x0 + 0.03, x0 + 0.03, x1 - 0.03], [y0 + 0.36, y1, y1]
    ax.plot(x, y, solid_capstyle="round", zorder=1, **look)


def _leaf(ax: Axes, node: BeamNode, spot: Spot, word: str, on_way: bool) -> None:
    x, y = spot
    large, small = (11, 10) if style.narrow() else (9, 7.5)
    dropped = node.fate == DROPPED
    ink = style.MUTED if dropped else "black"
    edge = style.MODEL if on_way else style.FAINT
    box = Rectangle((x - 0.03, y - 0.36), 0.83, 0.72, fc="white", ec=edge, lw=2 if on_way else 1)
    box.set_linestyle("--" if dropped else "-")
    box.set_zorder(2)
    ax.add_patch(box)
    weight = {"weight": "bold"} if on_way else {}
    letters = {"va": "center", "color": ink, "zorder": 3}
    ax.text(x, y, _short(word), size=large if len(word) <= 6 else small, **letters, **weight)
    if node.parent is not None:
        chance = percent(math.exp(node.total)).replace("< 0.1 %", "<.1 %")
        ax.text(x + 0.79, y, chance, ha="right", size=small, **letters)


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
    shown = _last_lines(words) if style.narrow() else list(words)
    places, n_lines = set_in_lines(shown)
    heights = [0.34 * n_lines + 0.3, 0.3 * len(candidates) + 0.65, 0.5 + 0.25 * n_note_lines(note)]
    fig, grid = style.figure(
        3, 1, width=style.page_width(), height=sum(heights) + 0.55, height_ratios=heights
    )
    with style.context():
        n_given = n_prompt - len(words) + len(shown)
        for i, (word, (line, left)) in enumerate(zip(shown, places, strict=True)):
            draw_word(grid[0, 0], word, line, left, 0.0, framed=i == len(shown) - 1)
            if i < n_given:
                grid[0, 0].texts[-1].set_color(style.MUTED)
        text_axes(grid[0, 0], n_lines)
        _candidates(grid[1, 0], candidates, chosen)
        _cache_strip(grid[2, 0], kept, len(words) - 1, note)
    said = ["text: " + " ".join(words[:-1]) + f" [{words[-1]}]"]
    seen = [each for each in candidates if max(each[1:]) >= 0.001]
    pairs = (f"{w} {percent(own)} → {percent(f) if f else 'cut'}" for w, own, f in seen)
    said.append("the model's chances → after the filters: " + ", ".join(pairs))
    return picture(fig, finding, words="\n".join([*said, note]))


def _last_lines(words: Sequence[str]) -> list[str]:
    """The end of a text, as much of it as _LAST_LINES lines hold."""
    places, n_lines = set_in_lines(words)
    first = next(i for i, (line, _) in enumerate(places) if line >= n_lines - _LAST_LINES)
    return ["…" if first else words[0], *words[first + 1 :]]


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
    ax.set(xlim=(0, (1.5 if style.narrow() else 1.3) * top), xticks=ticks)
    ax.set_xlabel("chance to come next")
    style.legend(ax, "lower right")


def _cache_strip(ax: Axes, kept: int, n_tokens: int, note: str) -> None:
    for i in range(n_tokens):
        new = i >= kept
        look = {"fc": style.HIGHLIGHT if new else style.SKY, "ec": "white", "lw": 0.8}
        ax.add_patch(Rectangle((i, 0), 1, 1, hatch="///" if new else "", **look))
    ax.text(0, 1.33, style.wrapped_note(note), va="bottom", color=style.DATA, size=10)
    ax.set(xlim=(-0.3, max(60, n_tokens) + 0.3), ylim=(0, 1.2 + 0.8 * n_note_lines(note)))
    ax.set_axis_off()
