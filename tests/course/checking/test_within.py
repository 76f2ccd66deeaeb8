"""Exercises whose answer is measured: a number inside an interval."""

from __future__ import annotations

import pytest
import torch

from utils.course.checking.check import RIGHT, judge
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import within

HOLD = "hold the batch still, and change the rate alone."
MEASURED = Exercise(
    id="9.9",
    title="How many steps",
    minutes=5,
    stars=1,
    reference=lambda seed: 100 + seed,
    probes=[(0,), (1,), (2,)],
    mistakes={},
    call=within(80, 140, HOLD),
)


@pytest.mark.parametrize("value", [80, 99.5, 140, torch.tensor(100.0), torch.tensor([100])])
def test_any_number_inside_is_right(value):
    assert judge(MEASURED, lambda seed: value).status == RIGHT


@pytest.mark.parametrize("value", [79, 141.5, -1e9])
def test_a_number_outside_is_told_the_bounds_and_what_to_hold_still(value):
    said = judge(MEASURED, lambda seed: value).diagnosis
    assert said.startswith("You measured")
    assert "between 80 and 140" in said
    assert HOLD in said


@pytest.mark.parametrize("value", [None, float("nan"), "100", torch.ones(2), [100], True, 100j])
def test_what_is_no_number_is_not_told_of_measuring(value):
    verdict = judge(MEASURED, lambda seed: value)
    assert verdict.status != RIGHT
    assert HOLD not in verdict.diagnosis
