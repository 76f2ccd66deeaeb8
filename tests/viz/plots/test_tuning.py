"""The figures of chapter 10 say in their twins what they show, and refuse what doesn't fit."""

from __future__ import annotations

import pytest

from utils.viz.picture import Picture
from utils.viz.plots import tuning


def twin(shown: Picture) -> str:
    bundle = shown._repr_mimebundle_()
    return (bundle[0] if isinstance(bundle, tuple) else bundle)["text/plain"]


def test_marked_words_tells_what_is_learned() -> None:
    shown = tuning.marked_words(["ask", "me", "yes", "."], [False, False, True, True], "Two.")
    assert twin(shown).splitlines()[-2:] == ["read: ask me", "learned: yes ."]
    with pytest.raises(ValueError, match="give one a word"):
        tuning.marked_words(["a"], [], "None.")


def test_memory_is_added_up() -> None:
    parts = {"all": {"weights": 2e6, "moments": 4e6}, "few": {"weights": 2e6, "moments": 5e5}}
    assert "all 6.0 MB; few 2.5 MB" in twin(tuning.training_memory(parts, "Less."))
    with pytest.raises(ValueError, match="'few' has the parts"):
        tuning.training_memory({**parts, "few": {"weights": 1}}, "Less.")
    with pytest.raises(ValueError, match="empty"):
        tuning.training_memory({}, "Nothing.")


def test_ways_are_sorted_into_classes() -> None:
    rates = {"ask": (0.0, 0.0), "story": (0.98, 0.02), "begin": (0.3, 0.0)}
    said = twin(tuning.ways_to_ask(rates, "It leaks.", names=("with", "without")))
    assert "more than half: story; some: begin; a tenth at most: ask" in said
    assert "without: a tenth at most" in said
    with pytest.raises(ValueError, match="empty"):
        tuning.ways_to_ask({}, "Nothing.", names=("a", "b"))


def test_likely_and_true_gives_medians() -> None:
    totals = {"possible": [20, 30, 40], "forbidden": [30, 41, 50]}
    worst = {"possible": [3, 4, 5], "forbidden": [10, 12, 13]}
    said = twin(tuning.likely_and_true(totals, worst, "They overlap."))
    assert "possible 30, forbidden 41; dearest word, median bits: possible 4, forbidden 12" in said
    with pytest.raises(ValueError, match="give the same names"):
        tuning.likely_and_true(totals, {"possible": [1]}, "No.")
