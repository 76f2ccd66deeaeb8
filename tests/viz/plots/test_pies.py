"""Pies of words: the drawn one is pulled out, words of colours are painted in theirs."""

from __future__ import annotations

import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Wedge

from utils.data.storyworld.plots import COLOURS
from utils.viz.look import OWN_COLOURS
from utils.viz.plots import curves, dart_board, pies
from utils.viz.plots.curves import pie_pair, slice_colours

FEW = {"a": 0.5, "b": 0.3, "c": 0.2}
MANY = {f"w{i}": 0.1 for i in range(9)} | {"late": 0.1}


def wedges(monkeypatch, shares, **options):
    """The slices of the left pie by name, and the words of its legend."""
    seen = []

    def watch(fig, *args, **kwargs):
        seen.append(fig)

    monkeypatch.setattr(curves, "picture", watch)
    pie_pair(shares, shares, "!", **options)
    ax = seen[0].axes[0]
    slices = [p for p in ax.patches if isinstance(p, Wedge)]
    return {w.get_label(): w for w in slices}, [t.get_text() for t in ax.get_legend().get_texts()]


def test_only_the_drawn_word_is_pulled_out(monkeypatch):
    slices, legend = wedges(monkeypatch, FEW, drawn="b")
    out = {name: abs(w.center[0]) + abs(w.center[1]) > 0.01 for name, w in slices.items()}
    assert out == {"a": False, "b": True, "c": False}
    assert [line for line in legend if "drawn" in line] == ["b  30 % ◂ drawn"]


def test_a_drawn_word_too_small_for_a_slice_gets_one(monkeypatch):
    without, _ = wedges(monkeypatch, MANY, most=4)
    assert "w8" not in without
    slices, _ = wedges(monkeypatch, MANY, most=4, drawn="w8")
    assert "w8" in slices
    assert len(slices) == len(without)


@pytest.mark.parametrize("drawn", [None, "nowhere"])
def test_a_word_that_is_in_no_pie_changes_nothing(drawn, monkeypatch):
    slices, _ = wedges(monkeypatch, FEW, drawn=drawn)
    assert all(w.center == (0, 0) for w in slices.values())


def test_words_of_colours_are_painted_in_them():
    chosen = slice_colours(COLOURS)
    assert len({to_hex(c) for c in chosen.values()}) == len(COLOURS)
    red, green, blue = (to_rgb(chosen[name]) for name in ("red", "green", "blue"))
    assert red[0] == max(red)
    assert green[1] == max(green)
    assert blue[2] == max(blue)
    assert to_rgb(chosen["white"]) == (1, 1, 1)


def test_a_word_keeps_its_colour_from_pie_to_pie():
    alone = slice_colours(["piano"])["piano"]
    assert slice_colours(["piano", "clock"])["piano"] == alone
    assert slice_colours(["clock", "piano", "they"])["clock"] == slice_colours(["clock"])["clock"]


def test_no_two_words_share_a_colour_while_there_are_enough():
    words = ["they", "the", "Mina", "piano", "clock", "sofa", "oven"]
    assert len(set(slice_colours(words).values())) == len(words)


@pytest.mark.parametrize("pale", ["white", "yellow"])
def test_a_pale_slice_has_an_edge(monkeypatch, pale):
    slices, _ = wedges(monkeypatch, {pale: 0.5, "red": 0.5})
    assert to_hex(slices[pale].get_edgecolor()) != "#ffffff"
    assert to_hex(slices["red"].get_edgecolor()) == "#ffffff"


@pytest.mark.parametrize(("words", "own"), [(["kite", "blue"], True), (["kite", "drum"], False)])
def test_a_pie_of_colour_words_keeps_its_colours_in_a_dark_theme(words, own):
    shares = dict.fromkeys(words, 0.5)
    for drawn in (
        pie_pair(shares, shares, "!"),
        pies({"one": shares}, "!"),
        dart_board(shares, [], None, "!"),
    ):
        assert drawn.own_colours is own
        assert (OWN_COLOURS in drawn._repr_html_()) is own
