"""Every answer written by hand gets what it must; a sample of those made by machine falls."""

from __future__ import annotations

import pytest
from mutants.cases import Case, chapters, load
from mutants.trial import attempt, fault

CASES = [case for chapter in chapters() for case in load(chapter)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_an_answer_written_by_hand_gets_what_it_must(case: Case) -> None:
    said = fault(case, attempt(case.exercise, case.name, case.answer, case.says))
    assert said is None, said
