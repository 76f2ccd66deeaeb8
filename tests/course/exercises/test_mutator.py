"""The mutator goes wrong in the ways it should, and what becomes of an answer is counted right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from mutants import survivors, trial
from mutants.answers import build, from_files
from mutants.mutate import changed_sources, mutants
from mutants.report import COLUMNS, counts, table
from mutants.trial import CRASHED, NOT_ATTEMPTED, REJECTED, SURVIVED, Trial, attempt, fault
from mutants.worker import Order, try_all

SOURCE = '''
def f(x, scale=1):
    """Kept."""
    ### BEGIN SOLUTION
    total = 0
    for i in range(3):
        total += x[i:] * scale
    if total < 1 and x:
        return total, x.T
    return torch.sum(x, dim=-1)
    ### END SOLUTION
'''


@pytest.mark.parametrize(
    "line",
    [
        "total = 1",  # a constant
        "total -= x[i:] * scale",  # an operator
        "total = x[i:] * scale",  # a sum that begins anew each time
        "total += x[i + 1:] * scale",  # a bound off by one
        "total += x[:] * scale",
        "total += x[i:]",  # an operand left out
        "total += x[i:] * x",  # another name in scope
        "if total <= 1 and x:",  # a comparison
        "if total < 1 or x:",
        "if not (total < 1 and x):",
        "return (x.T, total)",  # another order
        "return (total,)",  # a member missing
        "return (total, x)",  # not turned
        "return torch.mean(x, dim=-1)",  # a twin
        "return torch.sum(x)",  # a keyword left out
        "return torch.sum(dim=-1)",
        "return torch.sum(x, dim=0)",
        "return x",
    ],
)
def test_a_kind_of_slip_is_made(line: str) -> None:
    made = [{each.strip() for each in source.splitlines()} for source in changed_sources(SOURCE)]
    assert any(line in lines for lines in made)


def test_a_statement_is_dropped_or_falls_into_the_loop_before_it() -> None:
    made = list(changed_sources(SOURCE.replace("    if total", "    total += 1\n    if total")))
    assert any("total = 0" not in source for source in made)
    assert any("        total += 1" in source for source in made)


def test_only_what_stands_between_the_marks_changes() -> None:
    for source in changed_sources(SOURCE):
        assert source.startswith('def f(x, scale=1):\n    """Kept."""\n')


def test_a_mutant_is_a_program_that_defines_the_answer() -> None:
    made = mutants("04", "4.2")
    assert len({mutant.code for mutant in made}) == len(made) > 10
    assert all(" → " in mutant.change for mutant in made)
    assert callable(build(made[0].code, made[0].name, "4.2"))


def test_a_crash_of_the_check_is_counted_and_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(*given: object) -> None:
        raise SystemExit("within the check")

    monkeypatch.setattr(trial.check, "judge", judge)
    found = attempt("4.2", "any", lambda n: n)
    assert found.outcome == CRASHED
    assert fault(found, ()) == "wrong, and crashed: SystemExit: within the check"
    assert counts([found])[COLUMNS.index("crashed")] == 1


@pytest.mark.slow
def test_what_an_answer_does_to_its_process_ends_no_other() -> None:
    orders = [
        Order("4.2", "ends it", code="import os\ndef causal_mask(n): os._exit(3)"),
        Order("4.2", "no code", code="def causal_mask(n:"),
        Order("4.2", "fine", code="causal_mask = lambda n: torch.ones(n, n).tril().bool()"),
    ]
    outcomes = [each.outcome for each in try_all(orders)]
    assert outcomes == ["killed", REJECTED, SURVIVED]


def test_a_sentence_that_is_not_true_is_false() -> None:
    told = Trial("4.2", "any", REJECTED, "Yours is late: wait.\n  for f(1)", "Yours is late: wait.")
    assert fault(told, ("Yours is",)) is None
    assert fault(told, ("any",)) is None
    assert "to be told “You forgot …”" in (fault(told, ("You forgot",)) or "")
    untrue = replace(told, wrong_about=True)
    assert (fault(untrue, ()) or "").startswith("told what is not true of it: Yours is late")
    assert counts([told, untrue]) == (2, 2, 2, 1, 0, 0, 0, 0)
    assert "false" in table("some", [told])
    assert fault(Trial("4.2", "any", NOT_ATTEMPTED), ()) == "wrong, and not attempted: "


def test_answers_come_from_files(tmp_path: Path) -> None:
    entries = [
        {"exercise": "4.2", "code": "f = 1", "says": "Your mask"},
        {"exercise": "4.2", "code": "f = 2", "sound": True, "name": "odd"},
        {"exercise": "4.2", "code": "f = 3"},
    ]
    (tmp_path / "some.json").write_text(json.dumps(entries), encoding="utf-8")
    first, second, third = from_files(tmp_path)
    assert (first.name, first.says) == ("some 1", ("Your mask",))
    assert (second.name, second.says) == ("odd", None)
    assert third.says == ()


def test_an_answer_without_a_name_is_what_the_cell_calls_so() -> None:
    row = "class Row:\n    def __call__(self, n):\n        return torch.ones(n, n).tril()"
    answer = build(f"import torch\n{row}\ncausal_mask = Row()", "", "4.2")
    assert answer(2).tolist() == [[1, 0], [1, 1]]


def test_survivors_can_be_written_down_as_they_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = 'x = "a\\n" → nothing'
    text = survivors.listed([Trial("4.2", change, SURVIVED)]).replace('= "?"', '= "the same"')
    (tmp_path / "chapter_04.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(survivors, "HERE", tmp_path)
    survivors._argued.cache_clear()
    assert survivors.why("4.2", change) == "the same"
    survivors._argued.cache_clear()
