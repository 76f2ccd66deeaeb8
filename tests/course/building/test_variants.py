"""The variants of a chapter: what they answer, what is left out of them, and what they shorten."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import jupytext
import pytest
from helpers.reach import Reach
from helpers.shorter import LENGTHS, shortened
from helpers.variants import OWN, further, mixed, seeds

from utils.course.building.source import Source

CHECKED = """
def half(x):
    return x / 2

half = check("9.1", half)
"""
PRINTS = "print(3)"


@pytest.mark.parametrize("n", range(1, 25))
def test_any_two_exercises_are_answered_one_without_the_other(n: int) -> None:
    answers = {f"1.{i}": [f"answer {k}" for k in range(i % 5 + 1)] for i in range(n)}
    runs = mixed(answers)
    assert len(runs) <= max(2, n)
    for one, other in permutations(answers, 2):
        assert any(one in run and other not in run for run in runs)


@pytest.mark.parametrize("n", range(1, 25))
def test_every_alternative_has_its_place(n: int) -> None:
    answers = {f"1.{i}": [f"answer {k}" for k in range(i % 7)] for i in range(n)}
    placed = {item for run in mixed(answers) + further(answers) for item in run.items()}
    assert placed >= {(id, name) for id, names in answers.items() for name in names}


#: Cells, the check at 1 among them, and which of them an answer reaches, or need to be there.
CASES = {
    "what reads its result": (["kept = 1", CHECKED, "a = half(3)", "print(a)", PRINTS], {1, 2, 3}),
    "what those build on": (["kept = 1", CHECKED, "other = 2", "half(kept)"], {0, 1, 3}),
    "a name that is bound anew": (["a = 0", CHECKED, "a = half(3)", "a = 4", "print(a)"], {1, 2}),
    "a loop's own name": (["a = 0", CHECKED, "for a in range(2):\n    print(a)"], {1}),
    "what it may have changed": (
        ["told = []", CHECKED, "told.append(half(3))", "print(told)"],
        {0, 1, 2, 3},
    ),
    "a function that calls it": (
        ["def twice(x):\n    return 2 * half(x)", CHECKED, "print(twice(3))", PRINTS],
        {0, 1, 2},
    ),
    "a function that changes something": (
        ["told = []", CHECKED, "def tell(x):\n    told.append(x)", "tell(half(3))", "told"],
        {0, 1, 2, 3, 4},
    ),
    "another name of the same thing": (
        ["told = []", CHECKED, "heard = told", "heard.append(half(3))", "told", PRINTS],
        {0, 1, 2, 3, 4},
    ),
    "what holds the same thing": (
        ["model = Model()", CHECKED, "opt = Adam(model.all())", "opt.step(half(3))", "model"],
        {0, 1, 2, 3, 4},
    ),
    "a part of it": (
        ["lists = [[], []]", CHECKED, "for each in lists:\n    each.append(half(3))", "lists"],
        {0, 1, 2, 3},
    ),
    "a file": (
        ["name = 'a'", CHECKED, "open(name, 'w').write(str(half(3)))", "open('a').read()", PRINTS],
        {0, 1, 2, 3},
    ),
    "a module": (
        ["import math, cmath", CHECKED, "math.half = half", "print(math.pi)", "print(cmath.pi)"],
        {0, 1, 2, 3},
    ),
}


def notebook(cells: list[str]) -> Source:
    """A source whose cells have their places as ids."""
    text = "".join(f"# %%\n{cell.strip()}\n\n" for cell in cells)
    found = jupytext.reads(text, fmt="py:percent")
    for i, cell in enumerate(found.cells):
        cell.id = str(i)
    return Source(Path("09_x.py"), found, ())


@pytest.mark.parametrize(("cells", "reached"), CASES.values(), ids=CASES)
def test_left_out_is_what_no_answer_reaches(cells: list[str], reached: set[int]) -> None:
    (found,) = Reach(notebook(cells)).parts([{"9.1": "another"}])
    assert {int(id) for id in found} == reached


def test_left_out_is_what_was_run_with_the_same_answers() -> None:
    checks = [CHECKED, CHECKED.replace("9.1", "9.2").replace("half", "third")]
    source = notebook([*checks, "print(half(3))", "print(half(3), third(3))"])
    one, other, another = {"9.1": OWN}, {"9.2": OWN}, {"9.1": "another", "9.2": OWN}
    found = Reach(source).parts([one, other, one | other, one, another])
    assert [{int(id) for id in part} for part in found] == [
        {0, 1, 3},
        {0, 1, 3},
        {0, 1},  # solutions/ runs it
        {0, 1},
        {0, 1, 2, 3},
    ]


@pytest.mark.parametrize("changes", [True, False])
def test_a_cell_that_was_watched_changes_what_it_was_seen_to_change(changes: bool) -> None:
    cells = ["told = [1]", CHECKED, "show(half(3), told)", "print(told)"]
    reach, space = Reach(notebook(cells)), {"told": [1]}
    assert reach.reached("9.1") == {"1", "2", "3"}, "by its text, it may"
    with reach.watching("2", space):
        space["told"] += [2] * changes
    assert reach.reached("9.1") == ({"1", "2", "3"} if changes else {"1", "2"})


def test_what_is_left_out_still_sets_the_dice() -> None:
    text = "torch.manual_seed(3)\nmodel = Model()\nmodel.train()\ntorch.manual_seed(4)"
    assert seeds(text) == "torch.manual_seed(3)\ntorch.manual_seed(4)"
    assert seeds(PRINTS) == ""


def test_a_training_is_a_tenth_as_long() -> None:
    def train(model: str, steps: int = 50, *, rate: float = 1.0) -> tuple[str, int, float]:
        return model, steps, rate

    short = shortened(train, "steps")
    assert short("a") == ("a", 5, 1.0)
    assert short("a", 300, rate=2.0) == ("a", 30, 2.0)
    assert short("a", steps=3) == ("a", 1, 1.0)
    with pytest.raises(TypeError, match=r"train\(\) missing"):
        short()


def test_what_is_shortened_is_there() -> None:
    import importlib
    import inspect

    for path, length in LENGTHS.items():
        module, _, name = path.rpartition(".")
        function = inspect.unwrap(getattr(importlib.import_module(module), name))
        assert length in inspect.signature(function).parameters
