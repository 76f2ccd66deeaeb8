"""Exercises whose answer is measured: a number inside an interval."""

from __future__ import annotations

import pytest
import torch

from utils.course.checking.check import RIGHT, judge
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import within

BELOW, ABOVE = "Too few: keep the batch as it is.", "Too many: keep the rate as it is."
MEASURED = Exercise(
    id="9.9",
    title="How many steps",
    minutes=5,
    stars=1,
    reference=lambda seed: 100 + seed,
    probes=[(0,), (1,), (2,)],
    mistakes={},
    call=within(80, 140, BELOW, ABOVE),
)


@pytest.mark.parametrize("value", [80, 99.5, 140, torch.tensor(100.0), torch.tensor([100])])
def test_any_number_inside_is_right(value):
    assert judge(MEASURED, lambda seed: value).status == RIGHT


@pytest.mark.parametrize(("value", "sentence"), [(79, BELOW), (141.5, ABOVE), (-1e9, BELOW)])
def test_a_number_outside_is_told_what_to_hold_still(value, sentence):
    said = judge(MEASURED, lambda seed: value).diagnosis
    assert said.startswith(sentence)
    assert "You measured" in said


@pytest.mark.parametrize("value", [None, float("nan"), "100", torch.ones(2), [100], True, 100j])
def test_what_is_no_number_is_neither(value):
    verdict = judge(MEASURED, lambda seed: value)
    assert verdict.status != RIGHT
    assert BELOW not in verdict.diagnosis
    assert ABOVE not in verdict.diagnosis
