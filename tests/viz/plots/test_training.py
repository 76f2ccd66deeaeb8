"""The figures of chapter 07: what their twins say, and what they refuse."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from utils.viz.plots import training as figures

LEVELS = {"unigram": 7.0, "bigram": 2.7}


def test_the_race_names_its_levels_and_its_floor() -> None:
    twin = figures.race_to_the_floor({"model": ([1, 10], [8.0, 0.5])}, LEVELS, 0.45, "Down.").twin
    assert "floor, 0.45" in twin
    assert "bigram 2.70" in twin
    told = figures.race_to_the_floor(
        {"model": ([1, 10], [8.0, 0.5])}, LEVELS, 0.45, "Down.", words="it falls"
    ).twin
    assert told == "Down.\nit falls"


def test_the_race_sounds_the_alarm_below_the_floor() -> None:
    with pytest.raises(ValueError, match="is the future leaking"):
        figures.race_to_the_floor({"model": ([1, 10], [8.0, 0.3])}, LEVELS, 0.45, "Down.")


def test_recall_is_told_in_percent() -> None:
    twin = figures.recall_by_step([5, 50], {"name": [0.1, 0.9], "colour": [0.0, 1.0]}, "Late.").twin
    assert "name: 5: 10, 50: 90" in twin
    with pytest.raises(ValueError, match="one share a step"):
        figures.recall_by_step([5, 50], {"name": [0.1]}, "Late.")


def test_sizes_need_their_parameters() -> None:
    sizes = {"small": ([1e9, 1e10], [3.0, 0.6]), "large": ([1e9, 1e10], [7.0, 1.1])}
    twin = figures.sizes_at_equal_compute(sizes, {"small": 10, "large": 90}, 0.45, "Small.").twin
    assert "when the budget is spent: 10: 0.6, 90: 1.1" in twin
    with pytest.raises(ValueError, match="give the same"):
        figures.sizes_at_equal_compute(sizes, {"small": 10}, 0.45, "Small.")


def test_watched_curves_are_told_in_words_alone() -> None:
    twin = figures.watched({"a": ([1, 2], [3.0, 2.0])}, "bits", "It falls.", words="a falls").twin
    assert twin == "It falls.\na falls"
    with pytest.raises(ValueError, match="at least one curve"):
        figures.watched({}, "bits", "It falls.", words="")


@pytest.mark.parametrize("name", ["sizes", "story_run"])
def test_the_shipped_records_end_above_their_floor(name: str) -> None:
    text = (files("utils.data") / "logs" / f"{name}.json").read_text(encoding="utf-8")
    record = json.loads(text)
    runs = [size["rows"] for size in record["sizes"]] if name == "sizes" else [record["rows"]]
    for rows in runs:
        assert [row["step"] for row in rows] == sorted(row["step"] for row in rows)
        assert rows[0]["bits"] > rows[-1]["bits"] > record["floor"]
