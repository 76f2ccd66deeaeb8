"""Answers that a chapter can't see: what its exercises should be, and where a check went astray."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import utils
from utils.course.building.plan import Cell, NotANotebook, Plan, names_bound, parse, read_plan

__all__ = ["Check", "checks", "expected_plan", "lost_names", "unseen"]

SOLUTIONS = Path(utils.__file__).parent.parent / "solutions"


@dataclass(frozen=True)
class Check:
    """`given = check("2.3", answer)` in a cell; a name is None where there stands none."""

    id: str
    answer: str | None
    given: str | None


def expected_plan(path: Path, plan: Plan) -> Plan | None:
    """The solved chapter that a learner's notebook was made from; None where it is none of ours.

    It is told by its name, or by its number where it has exercises of that chapter.
    """
    for solution in sorted(SOLUTIONS.glob(f"{path.name[:2]}_*.ipynb")):
        try:
            expected = read_plan(solution)
        except NotANotebook:
            continue
        if solution.name == path.name or {*plan.ids} & {*expected.ids}:
            return expected
    return None


def checks(cell: Cell) -> Iterator[Check]:
    """The checks of a cell; none where it is not Python."""
    tree = parse(cell.source)
    for node in ast.walk(tree) if tree else ():
        called = node.value if isinstance(node, ast.Assign | ast.Expr) else None
        if not isinstance(called, ast.Call) or not called.args:
            continue
        first, *rest = called.args
        name = getattr(called.func, "id", getattr(called.func, "attr", ""))
        if name != "check" or not isinstance(first, ast.Constant):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        yield Check(str(first.value), _id(rest[0] if rest else None), _id(target))


def _id(node: ast.AST | None) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def _by_id(plan: Plan) -> dict[str, tuple[Cell, Check]]:
    """The last check of every exercise, and its cell."""
    return {check.id: (cell, check) for cell in plan.cells for check in checks(cell)}


def unseen(plan: Plan, expected: Plan | None) -> dict[str, str]:
    """By exercise, why a notebook does not see its answer, or does not go on with it."""
    solved, own = _by_id(expected) if expected else {}, _by_id(plan)
    found: dict[str, str] = {}
    for id, (_, wanted) in solved.items():
        if id not in plan.checked_in:
            found[id] = f"no cell checks it any more: put back {_line(wanted)}"
        elif id in own:
            astray = _astray(plan, *own[id], wanted)
            if astray:
                found[id] = astray
    return found


def lost_names(plan: Plan, expected: Plan | None) -> dict[str, str]:
    """The names that exercises should give to the cells below and do not, with the exercise."""
    own = _by_id(plan)
    return {
        wanted.given: id
        for id, (_, wanted) in (_by_id(expected) if expected else {}).items()
        if wanted.given and (id not in own or own[id][1].given != wanted.given)
    }


def _line(check: Check) -> str:
    return f'{check.given} = check("{check.id}", {check.answer})'


def _astray(plan: Plan, cell: Cell, check: Check, wanted: Check) -> str | None:
    """How a check misses the answer of its cell, or the chapter what the check hands on."""
    above = [earlier for earlier in plan.cells if earlier.number < cell.number]
    known = {name for earlier in above for name in names_bound(earlier.source)}
    others = _definitions(cell.source)
    if check.answer and others and check.answer not in known | {*others}:
        listed = " and ".join(f"`{name}`" for name in others)
        return f"its cell defines {listed}, but checks `{check.answer}`"
    if wanted.given and check.given != wanted.given:
        return f"the chapter goes on with `{wanted.given}`: write {wanted.given} = check(…)"
    return None


def _definitions(source: str) -> list[str]:
    tree, kinds = parse(source), ast.FunctionDef | ast.ClassDef
    return [node.name for node in (tree.body if tree else []) if isinstance(node, kinds)]
