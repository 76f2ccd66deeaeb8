"""A sample of the answers written by hand get what they must, and of those made by machine fall.

`make mutants` puts all of them through the checks.
"""

from __future__ import annotations

import random

import pytest
from helpers.signatures import LONG
from mutants import survivors
from mutants.cases import Case, chapters, load
from mutants.mutate import Mutant, mutants
from mutants.trial import REJECTED, SURVIVED, attempt, fault
from mutants.worker import Order, try_all

from utils.course.checking import registry

EVERY = 20  # of the answers written by hand, one in so many: twenty seconds with the mutants
EACH = 2  # mutants of an exercise: some fifteen seconds of one processor


def by_hand() -> list[Case]:
    """The same of each exercise's cases in every run, the first among them."""
    cases: dict[tuple[str, bool], list[Case]] = {}
    for chapter in chapters():
        for case in load(chapter):
            cases.setdefault((case.exercise, case.is_sound), []).append(case)
    return [case for found in cases.values() for case in found[::EVERY]]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=[pytest.mark.slow] if case.exercise in LONG else [])
        for case in by_hand()
    ],
    ids=lambda case: case.label,
)
def test_an_answer_written_by_hand_gets_what_it_must(case: Case) -> None:
    trial = attempt(case.exercise, case.name, case.answer, case.says)
    assert fault(trial, case.says, case.is_sound) is None


def sample() -> list[Mutant]:
    """The same few mutants of an exercise in every run, whatever becomes of the others."""
    return [
        mutant
        for id in registry.exercises()
        for mutant in mutants(id.split(".")[0].zfill(2), id, random.Random(id), EACH)
    ]


@pytest.mark.slow
def test_what_a_slip_of_the_fingers_makes_of_a_solution_falls() -> None:
    orders = [
        Order(m.exercise, m.change, code=m.code, function=m.name, timeout=2.0, plain=True)
        for m in sample()
    ]
    trials = list(try_all(orders))
    known = [t for t in trials if survivors.why(t.exercise, t.name)]
    fell = [t for t in trials if t.outcome == REJECTED]
    assert [t for t in trials if t not in fell and t not in known] == []
    assert {t.outcome for t in known} <= {SURVIVED}  # nobody argues for what falls
