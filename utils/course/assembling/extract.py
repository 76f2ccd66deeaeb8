"""A learner's own answers, lifted out of their notebooks with all that they need. Nothing is run.

An answer is the function that a cell hands to `check`; it needs the imports, helpers and values
that its names mean in the cells before, and perhaps the answer to another exercise.
"""

from __future__ import annotations

import ast
import builtins
import re
import symtable
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

from utils.course.building.plan import NotANotebook, parse, read_plan

__all__ = ["Piece", "Statement", "pieces", "source_of"]

_BUILTINS = frozenset(dir(builtins)) | {"__name__"}
Place = tuple[str, int, int]  # notebook, cell, line: statements stand in this order


@dataclass(frozen=True)
class Statement:
    """A top-level statement of a notebook; `exercise` where it binds a checked answer."""

    place: Place
    source: str
    binds: frozenset[str]
    exercise: str = ""
    answer: str = ""  # the name that is checked

    @property
    def name(self) -> str:
        """The name that a checked answer gets."""
        return next(iter(self.binds))


@dataclass
class Piece:
    """An answer: the name of its function, its statements in order, and the exercises it needs.

    `checked` is the statement that hands it to `check` and gives what comes back a name.
    """

    exercise: str
    name: str
    checked: Statement
    statements: list[Statement] = field(default_factory=list)
    needs: list[Statement] = field(default_factory=list)


def pieces(notebooks: Iterable[Path]) -> dict[str, Piece]:
    """The pieces of all notebooks by exercise; what can't be read gives none."""
    found: dict[str, Piece] = {}
    for path in notebooks:
        try:
            statements = list(_statements(path))
        except NotANotebook:
            continue
        for statement in statements:
            if statement.exercise:
                found[statement.exercise] = _piece(statement, statements)
    return found


def _statements(path: Path) -> Iterator[Statement]:
    for cell in read_plan(path).cells:
        tree = parse(cell.source)
        if tree is None:
            continue
        source = cell.source
        if source.lstrip().startswith("%%"):
            source = source.lstrip().partition("\n")[2]
        lines = TransformerManager().transform_cell(source).splitlines()
        for node in tree.body:
            place = (path.name, cell.number, node.lineno)
            exercise, answer = _checked(node)
            yield Statement(place, _text(node, lines), _bound(node), exercise, answer)


def _text(node: ast.stmt, lines: list[str]) -> str:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return "\n".join(lines[first - 1 : node.end_lineno])


def _bound(node: ast.stmt) -> frozenset[str]:
    """The names that a statement of a cell gives a meaning to."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return frozenset({node.name})
    if isinstance(node, ast.Import | ast.ImportFrom):
        return frozenset((a.asname or a.name).split(".")[0] for a in node.names)
    names = (n for n in ast.walk(node) if isinstance(n, ast.Name))
    return frozenset(n.id for n in names if isinstance(n.ctx, ast.Store))


def _checked(node: ast.stmt) -> tuple[str, str]:
    """The exercise and the checked name of `name = check("4.2", name)`; empty for all else."""
    value = getattr(node, "value", None)
    if not isinstance(value, ast.Call) or len(value.args) != 2 or value.keywords:
        return "", ""
    called = getattr(value.func, "id", getattr(value.func, "attr", ""))
    exercise, answer = value.args
    named = isinstance(exercise, ast.Constant) and isinstance(answer, ast.Name)
    if called != "check" or not named or len(_bound(node)) != 1:
        return "", ""
    return str(exercise.value), answer.id


def _piece(checked: Statement, statements: list[Statement]) -> Piece:
    piece = Piece(checked.exercise, checked.answer, checked)
    wanted, seen = [(checked.answer, checked.place)], set[tuple[str, Place]]()
    while wanted:
        name, before = wanted.pop()
        meaning = _meaning(name, before, statements)
        if meaning is None or (name, meaning.place) in seen:
            continue
        seen.add((name, meaning.place))
        if meaning.exercise:
            piece.needs.append(meaning)
            continue
        piece.statements.append(_narrowed(meaning, name))
        # A function looks its names up when it is called: at the check, or where it was left.
        inside = meaning.place if not _is_definition(meaning) else checked.place
        wanted += [(free, inside) for free in _free_names(meaning)]
    piece.statements = sorted(set(piece.statements), key=lambda s: s.place)
    return piece


def _narrowed(statement: Statement, name: str) -> Statement:
    """Of an import, only the one name that is needed."""
    if not _is_import(statement):
        return statement
    (node,) = ast.parse(textwrap.dedent(statement.source)).body
    node.names = [a for a in node.names if (a.asname or a.name).split(".")[0] == name]
    return replace(statement, source=ast.unparse(node), binds=frozenset({name}))


def _is_import(statement: Statement) -> bool:
    return statement.source.lstrip().startswith(("import ", "from "))


def _is_definition(statement: Statement) -> bool:
    return statement.source.lstrip().startswith(("def ", "class ", "@", "async def "))


def _meaning(name: str, before: Place, statements: list[Statement]) -> Statement | None:
    """The last statement before that place that binds the name."""
    return next((s for s in reversed(statements) if s.place < before and name in s.binds), None)


def _free_names(statement: Statement) -> set[str]:
    """The names that a statement takes from outside of itself."""
    try:
        table = symtable.symtable(statement.source, "cell", "exec")
    except SyntaxError:
        return set()
    return set(_globals(table, top=True)) - _BUILTINS


def _globals(table: symtable.SymbolTable, top: bool = False) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _globals(child)


def source_of(
    wanted: Iterable[str],
    found: Mapping[str, Piece],
    theirs: Iterable[str],
    handed: Iterable[str] = (),
) -> tuple[str, dict[str, str]]:
    """One program that defines the answers to `wanted`, and the name of each.

    Answers in `theirs` are the learner's own; what else one of them needs is the course's. Those in
    `handed` give results of another kind than the course's, and are handed on as `check` does.
    """
    theirs, names = set(theirs), dict[str, str]()
    imports, lines = set[str](), dict[Place, str]()
    todo = [exercise for exercise in wanted if exercise in theirs]
    for exercise in todo:  # grows while it is walked
        piece = found[exercise]
        names[exercise] = piece.name
        if exercise in handed:
            names[exercise] = piece.checked.name
            lines[piece.checked.place] = _handed(piece, piece.checked)
        for statement in piece.statements:
            if _is_import(statement):
                imports.add(statement.source)
            else:
                lines[statement.place] = _without_marks(statement.source)
        for need in piece.needs:
            if need.exercise not in theirs:
                lines[need.place] = f'{need.name} = course_part("{need.exercise}")'
                continue
            if need.exercise in handed:
                lines[need.place] = _handed(found[need.exercise], need)
            elif found[need.exercise].name != need.name:
                lines[need.place] = f"{need.name} = {found[need.exercise].name}"
            if need.exercise not in todo:
                todo.append(need.exercise)
    body = _spaced(dict.fromkeys(lines[place] for place in sorted(lines)))
    source = "\n".join([*sorted(imports, key=_import_order), *body])
    return re.sub(r"\n{4,}", "\n\n\n", source), names


def _handed(piece: Piece, check: Statement) -> str:
    return f'{check.name} = as_checked("{piece.exercise}", {piece.name})'


def _import_order(source: str) -> tuple[bool, str]:
    return source.startswith("from "), source


def _without_marks(source: str) -> str:
    marks = ("### BEGIN SOLUTION", "### END SOLUTION")
    return "\n".join(line for line in source.split("\n") if line.strip() not in marks)


def _spaced(statements: Iterable[str]) -> Iterator[str]:
    """Two empty lines around functions and classes."""
    for statement in statements:
        big = statement.lstrip().startswith(("def ", "class ", "@", "async def "))
        yield f"\n\n{statement}\n" if big else statement


def piece_to_json(piece: Piece) -> dict[str, object]:
    """A piece as plain values, for another process."""
    return {
        "exercise": piece.exercise,
        "name": piece.name,
        "checked": _plain(piece.checked),
        "statements": [_plain(statement) for statement in piece.statements],
        "needs": [_plain(statement) for statement in piece.needs],
    }


def piece_from_json(plain: Mapping[str, object]) -> Piece:
    """The piece that `piece_to_json` made plain."""
    lists = {name: [_statement(each) for each in plain[name]] for name in ("statements", "needs")}
    return Piece(plain["exercise"], plain["name"], _statement(plain["checked"]), **lists)


def _plain(statement: Statement) -> list[object]:
    return [
        list(statement.place),
        statement.source,
        sorted(statement.binds),
        statement.exercise,
        statement.answer,
    ]


def _statement(plain: list[object]) -> Statement:
    place, source, binds, *rest = plain
    return Statement(tuple(place), source, frozenset(binds), *rest)
