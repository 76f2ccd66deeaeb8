"""Figures of chapter 02: bits of bytes, tokens, contexts, surprise, and bits per word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from utils.viz import style
from utils.viz.picture import Picture, picture


def utf8_bits(characters: Mapping[str, str]) -> Picture:
    """The bits of one character a row, `{name: character}`: marks in grey, the number in colour.

    Marks are the bits that say how many bytes there are (11…0) or that a byte goes on (10).
    """
    if not characters or any(len(c) != 1 for c in characters.values()):
        raise ValueError("give at least one {name: character}, each exactly one character long")
    fig, grid = style.figure(height=0.9 + 0.55 * len(characters))
    ax, said = grid[0, 0], []
    with style.context():
        for row, (name, character) in enumerate(characters.items()):
            marked = [_marked_bits(byte) for byte in character.encode()]
            for place, (mark, payload) in enumerate(marked):
                _draw_byte(ax, row, place, mark, payload)
            bits = "  ".join(f"{mark}|{payload}" for mark, payload in marked)
            said.append(f"{name}, U+{ord(character):04X}: {bits}")
        labels = [f"{name}\nU+{ord(c):04X} = {ord(c):,}" for name, c in characters.items()]
        ax.set_yticks(range(len(labels)), labels)
        ax.set_xticks([i * 9 + 4 for i in range(4)], [f"byte {i + 1}" for i in range(4)])
        ax.set(xlim=(-0.3, 35.3), ylim=(len(labels) - 0.5, -0.5))
        ax.tick_params(length=0)
        ax.grid(False)
        ax.spines[:].set_visible(False)
    finding = "A byte's first bits (grey) say its part; the others carry the character's number"
    return picture(fig, finding, words="marks|number, byte by byte\n" + "\n".join(said))


def _marked_bits(byte: int) -> tuple[str, str]:
    """A byte's eight bits, cut into the mark, the ones at its front and a zero, and the rest."""
    bits = f"{byte:08b}"
    length = bits.index("0") + 1
    return bits[:length], bits[length:]


def _draw_byte(ax: Axes, row: int, place: int, mark: str, payload: str) -> None:
    for i, bit in enumerate(mark + payload):
        left = place * 9 + i
        fill = style.REST if i < len(mark) else style.PALE_SKY
        ax.add_patch(Rectangle((left, row - 0.34), 1, 0.68, fc=fill, ec="white"))
        ax.text(left + 0.5, row, bit, ha="center", va="center", family="DejaVu Sans Mono")


def bytes_per_token(
    table: Mapping[str, Mapping[str, float]], finding: str, *, digits: int | None = None
) -> Picture:
    """Groups of bars: for each kind of text, how many bytes a token of each tokenizer holds.

    `table` maps a tokenizer's name to `{kind of text: bytes per token}`, the same kinds each time.
    """
    kinds = list(next(iter(table.values()), {}))
    if not kinds or any(list(values) != kinds for values in table.values()):
        raise ValueError("give {tokenizer: {kind: bytes per token}}, with the same kinds for each")
    fig, grid = style.figure(height=3.6)
    ax = grid[0, 0]
    width = 0.8 / len(table)
    with style.context():
        for i, (name, values) in enumerate(table.items()):
            at = np.arange(len(kinds)) + (i - (len(table) - 1) / 2) * width
            colour, hatch = (style.BLUE, style.ORANGE, style.GREEN)[i % 3], ("", "//", "..")[i % 3]
            sizes = list(values.values())
            drawn = ax.bar(at, sizes, width * 0.95, color=colour, hatch=hatch, ec="white")
            drawn.set_label(name)
            ax.bar_label(drawn, [f"{size:.1f}" for size in sizes], padding=2)
        ax.axhline(1, color=style.MUTED, ls=":", lw=1.4, label="a token for every byte")
        ax.set_xticks(range(len(kinds)), kinds)
        ax.grid(False, axis="x")
        ax.set(ylabel="bytes per token")
        ax.legend()
    return picture(fig, finding, digits=digits)


def word_bits(words: Sequence[str], bits: Mapping[str, Sequence[float]], finding: str) -> Picture:
    """The surprise of every word of a text in bits, one series a model, `{name: bits}`."""
    wrong = [name for name, values in bits.items() if len(values) != len(words)]
    if wrong or not words:
        raise ValueError(f"give one number a word ({len(words)}) for each series; wrong: {wrong}")
    fig, grid = style.figure(height=4.2)
    ax = grid[0, 0]
    markers = ("o", "s", "^", "D")
    with style.context():
        for i, (name, colour) in enumerate(zip(bits, style.colours(list(bits)), strict=True)):
            at = np.arange(len(words)) + (i - (len(bits) - 1) / 2) * 0.25
            ax.vlines(at, 0, bits[name], color=colour, lw=2.5)
            ax.plot(at, bits[name], markers[i % 4], color=colour, label=name, ms=6)
        ax.set_xticks(range(len(words)), words, rotation=90)
        ax.grid(False, axis="x")
        ax.set_ylim(bottom=0)
        ax.set(ylabel="surprise, bits")
        ax.legend()
    said = [
        f"{name}: " + ", ".join(f"{w} {abs(b):.1f}" for w, b in zip(words, values, strict=True))
        for name, values in bits.items()
    ]
    return picture(fig, finding, words="surprise of each word, bits\n" + "\n".join(said))


def bits_per_word(
    orders: Mapping[int, float], compressors: Mapping[str, float], floor: float
) -> Picture:
    """n-gram models by order, compressors and the entropy of the source on one axis, bits a word.

    `orders` maps an order to held-out bits per word, `compressors` a name to the same.
    """
    if not orders or min([*orders.values(), *compressors.values()]) < floor:
        raise ValueError("give at least one order; no honest predictor is below the floor")
    best = min(orders, key=orders.__getitem__)
    fig, grid = style.figure(height=4.4)
    ax = grid[0, 0]
    with style.context():
        ax.plot(list(orders), list(orders.values()), "o-", color=style.ORANGE, label="n-gram model")
        for n, value in orders.items():
            note = ax.annotate(f"{value:.2f}", (n, value), (5, 7), textcoords="offset points")
            note.set(size=10, bbox={"fc": "white", "ec": "none", "pad": 1})
        dashes = ("-.", ":", (0, (5, 1, 1, 1, 1, 1)))
        inks = (style.GREEN, style.PURPLE, style.SKY)
        for (name, value), colour, dash in zip(compressors.items(), inks, dashes, strict=False):
            ax.axhline(value, color=colour, ls=dash, label=f"{name}: {value:.1f}")
        label = f"the stories' own entropy, the floor: {floor:.2f}"
        ax.axhline(floor, color=style.TRUTH, ls="--", label=label)
        ax.set_xticks(list(orders))
        ax.margins(x=0.08)
        ax.set_ylim(0, max([*orders.values(), *compressors.values()]) * 1.45)  # room for the legend
        ax.set(xlabel="order of the n-gram model", ylabel="bits per word, held-out stories")
        ax.legend(ncols=2, loc="upper right")
    finding = (
        f"The best n-gram has order {best} and needs {orders[best]:.2f} bits a word: "
        f"{orders[best] / floor:.1f} times what the stories hold"
    )
    said = [f"{n}-gram: {value:.2f}" for n, value in orders.items()]
    # Versions of zlib differ by a few bytes, so compressors are said with one decimal.
    said += [f"{name}: {value:.1f}" for name, value in compressors.items()]
    said += [f"floor: {floor:.2f}"]
    return picture(fig, finding, words="bits per word\n" + ", ".join(said))


def contexts(orders: Sequence[int], distinct: Sequence[int], unseen: Sequence[float]) -> Picture:
    """Two panels by order: how many different contexts were counted, and how many are still new.

    `distinct` counts the contexts in the training text, `unseen` is the share of held-out words
    whose context is not among them.
    """
    if not len(orders) == len(distinct) == len(unseen) or not orders:
        raise ValueError("give orders, distinct and unseen, as many of each, at least one")
    fig, (row,) = style.figure(1, 2, height=3.8)
    with style.context():
        row[0].plot(orders, distinct, "o-", color=style.ORANGE, label="different contexts")
        row[0].set(xlabel="order n", ylabel="contexts of n − 1 words")
        row[0].set_title("contexts met in training")
        style.log_scale(row[0], "y")
        shares = [100 * share for share in unseen]
        row[1].plot(orders, shares, "s-", color=style.VERMILLION, label="unseen, percent")
        row[1].set(xlabel="order n", ylabel="percent", ylim=(0, 100))
        row[1].set_title("held-out words in a new context")
        for ax in row:
            ax.set_xticks(list(orders))
    finding = (
        f"From order {orders[0]} to {orders[-1]} the contexts grow from {distinct[0]:,} to "
        f"{distinct[-1]:,}, and {shares[-1]:.0f} % of those met later are new"
    )
    return picture(fig, finding)


def window_examples(tokens: Sequence[str]) -> Picture:
    """One window of T inputs and its T targets, `tokens` (T + 1): a row for each prediction."""
    if len(tokens) < 2:
        raise ValueError(f"{len(tokens)} token(s) hold no prediction; give at least two")
    n = len(tokens) - 1
    fig, grid = style.figure(height=0.9 + 0.42 * n)
    ax = grid[0, 0]
    with style.context():
        for row in range(n):
            for place, token in enumerate(tokens[: row + 2]):
                target = place == row + 1
                fill = style.BLUE if target else "#E4E4E4"
                box = Rectangle((place + 0.03, row - 0.42), 0.94, 0.84, fc=fill, ec=style.MUTED)
                ax.add_patch(box)
                ink = "white" if target else "black"
                weight = "bold" if target else "normal"
                at = (place + 0.5, row)
                ax.text(*at, token, ha="center", va="center", color=ink, weight=weight, size=10)
        ax.set(xlim=(0, n + 1), ylim=(n - 0.5, -0.5), ylabel="prediction")
        ax.set_yticks(range(n), [str(i + 1) for i in range(n)])
        ax.set_xticks([])
        ax.tick_params(length=0)
        ax.grid(False)
        ax.spines[:].set_visible(False)
    said = [f"{' '.join(tokens[: i + 1])} → {tokens[i + 1]}" for i in range(n)]
    finding = f"A window of {n} tokens is {n} predictions: grey is read, blue is to be predicted"
    return picture(fig, finding, words="\n".join(said))
