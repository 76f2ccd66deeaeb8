"""The house is as it is drawn: floors and rooms one above the other, none too large, no circles."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ["utils.llm", "utils.data", "utils.viz", "utils.course"]
#: What the rooms of `utils.llm` stand on: a room may import those of an earlier row, and itself.
ROWS = [
    ["machine"],
    ["counting", "tokenizer", "learning"],
    ["attention"],
    ["gpt"],
    ["training", "sampling"],
    ["reasoning", "tuning"],
]
MOST_FILES, MOST_LINES = 14, 400


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    """The dotted name of a module; a room's `__init__` has the name of the room."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules(folder: str) -> frozenset[str]:
    return frozenset(map(name_of, files(folder)))


@cache
def nodes(path: Path, *, late: bool) -> list[ast.stmt]:
    """The imports of a file; with `late`, those within functions too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: Iterable[ast.AST] = ast.walk(tree) if late else tree.body
    return [node for node in found if isinstance(node, ast.Import | ast.ImportFrom)]


def imported(path: Path, folder: str, *, late: bool) -> Iterator[str]:
    """The modules of a folder that a file imports."""
    for node in nodes(path, late=late):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            whole = node.module or ""
            both = [f"{whole}.{alias.name}" for alias in node.names]
            names = [name if name in modules(folder) else whole for name in both]
        yield from (name for name in names if name in modules(folder))


def graph(folder: str, *, late: bool) -> dict[str, set[str]]:
    return {
        name_of(path): set(imported(path, folder, late=late)) - {name_of(path)}
        for path in files(folder)
    }


def room_of(module: str) -> str:
    """The folder that a module lies in; a file that lies on its floor is a room of its own."""
    return ".".join(module.split(".")[:3])


def is_list(module: str) -> bool:
    return (ROOT / module.replace(".", "/")).is_dir()


def circle(edges: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_import_goes_up_a_floor() -> None:
    for module, imports in graph("utils", late=True).items():
        height = [i for i, floor in enumerate(FLOORS) if module.startswith(floor)]
        for other in imports:
            theirs = [i for i, floor in enumerate(FLOORS) if other.startswith(floor)]
            assert not (height and theirs) or theirs <= height, f"{module} imports {other}"


def test_the_rooms_of_the_language_model_stand_in_the_order_of_the_weeks() -> None:
    row = {f"utils.llm.{room}": i for i, rooms in enumerate(ROWS) for room in rooms}
    for module, imports in graph("utils", late=True).items():
        if not module.startswith("utils.llm."):
            continue
        assert room_of(module) in row, f"{module} is in no room that ROWS has"
        for other in map(room_of, imports - {"utils.llm"}):
            lower = row[other] < row[room_of(module)]
            assert lower or other == room_of(module), f"{module} imports from {other}"


@pytest.mark.parametrize("folder", ["utils", "tools"])
def test_no_circle_between_files(folder: str) -> None:
    rooms = {name_of(path) for path in files(folder) if path.name == "__init__.py"}
    edges = graph(folder, late=folder == "tools")
    # A room's own list hands on names of its files; a file that asks the room goes in a circle.
    assert circle({m: imports - rooms for m, imports in edges.items() if m not in rooms}) == []


def test_no_circle_between_rooms() -> None:
    # A list that hands on nothing is a folder's name: where a registry looks, no more.
    names = {m for m, imports in graph("utils", late=True).items() if not imports}
    edges: dict[str, set[str]] = {}
    for module, imports in graph("utils", late=False).items():
        needed = {other for other in imports if other not in names or not is_list(other)}
        edges.setdefault(room_of(module), set()).update(map(room_of, needed))
    for room in edges:
        edges[room] -= {room, *FLOORS, "utils"}
    assert circle(edges) == []


def test_a_room_is_asked_by_its_files() -> None:
    for module, imports in graph("utils", late=True).items():
        own = {other for other in imports if is_list(other) and module.startswith(f"{other}.")}
        own = {other for other in own if other.startswith("utils.llm.")}
        assert not own, f"{module} imports its own room {own}: import the file"


@pytest.mark.parametrize("folder", ["utils", "tools", "tests"])
def test_no_file_is_too_long(folder: str) -> None:
    lengths = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in files(folder)}
    assert {name_of(p): n for p, n in lengths.items() if n > MOST_LINES} == {}


def test_no_room_is_too_full() -> None:
    folders = [ROOT / "utils", *(p for p in (ROOT / "utils").rglob("*") if p.is_dir())]
    counts = {p: len([f for f in p.glob("*.py") if f.name != "__init__.py"]) for p in folders}
    assert {name_of(p / "__init__.py"): n for p, n in counts.items() if n > MOST_FILES} == {}


def test_a_circle_is_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
