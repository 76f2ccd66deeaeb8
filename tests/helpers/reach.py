"""Which cells of a chapter an answer can reach: the others need not be run again for it.

An answer reaches what reads a name that it made, or a thing that was changed by what it reaches:
directly, through a function that the notebook defines, under another name for the same thing, or
in a file. Any other cell does what it does without the answer, and leaves what it leaves then.
What a cell may change in place is guessed from its text, until it has been watched.
"""

from __future__ import annotations

import ast
import contextlib
import symtable
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from helpers.fingerprint import NoFingerprint, fingerprint
from helpers.variants import OWN, Variant

from utils.course.building.source import Source, checked_ids

KEPT = (ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.Dict, ast.Starred, ast.IfExp)
#: All files together are one thing that cells read and change.
FILES = "<files>"
#: What is called, or named as a setting, where a cell reads them, and where it writes them.
READING = {"read_text", "read_bytes", "load", "open_model"}
WRITING = {"open", "write_text", "write_bytes", "save", "to_hf", "export_hf", "snapshot"}
WRITING |= {"assemble", "together", "tempfile", "os", "shutil", "subprocess"}


class _Names:
    """The global names that a cell reads, those it binds, and what may be changed in place."""

    def __init__(self, text: str) -> None:
        top, tree = symtable.symtable(text, "cell", "exec"), ast.parse(text)
        assigned = {s.get_name() for s in top.get_symbols() if s.is_assigned()}
        imported = {s.get_name() for s in top.get_symbols() if s.is_imported()}
        defined = {s.get_name() for s in top.get_symbols() if s.is_namespace()}
        self.bound = assigned | imported | defined
        self.changing = assigned - imported - defined | _attributes_set(tree)
        self.bodies = {
            child.get_name(): {name for table in _tables(child) for name in _read(table)}
            for child in top.get_children()
        }
        self.read = {name for table in _tables(top) for name in _read(table)}
        self.read &= self._read_first(tree.body, set())
        self.pairs = set(_pairs(tree))
        done = _called(tree)
        self.read |= {FILES} if done & (READING | WRITING) else set()
        for known in (self.bound, self.changing):
            known |= {FILES} if done & WRITING else set()

    def _read_first(self, statements: Sequence[ast.stmt], before: set[str]) -> set[str]:
        """The names that are read, maybe, before these statements bind them."""
        read: set[str] = set()
        for statement in statements:
            loop = isinstance(statement, ast.For)
            read |= _used(statement.iter if loop else statement, ast.Load) - before
            before |= _used(statement.target if loop else statement, ast.Store) & self.bound
            read |= self._read_first(statement.body, before) if loop else set()
        return read


class Reach:
    """The cells of a source, what they read and bind, and what they were seen to change."""

    def __init__(self, source: Source) -> None:
        self.code = [cell for cell in source.notebook.cells if cell.cell_type == "code"]
        self.checks = {cell.id: checked_ids(cell) for cell in self.code}
        self.names = {cell.id: _Names(cell.source) for cell in self.code}
        _read_through_functions(self.names.values())
        changing = set().union(*(each.changing for each in self.names.values()))
        self.changes = {id: here.read & changing for id, here in self.names.items()}
        self.same = _other_names(self.names.values(), changing)
        self.watched: set[str] = set()

    def parts(self, variants: Sequence[Variant]) -> Iterator[set[str]]:
        """For each variant the ids of its cells that have to be run, for none to go untried.

        chapters/ runs every cell with nothing answered, solutions/ with everything. A cell does
        what it did there, or in a variant before, where it is reached by the same answers. All
        checks are made, and what a cell builds on is run with it.
        """
        ids = {id for checked in self.checks.values() for id in checked}
        tried: set[tuple[str, frozenset]] = set()
        for variant in variants:
            reaching = {id: self.reached(id) for id in ids}
            new = set()
            for cell in self.code:
                theirs = {id for id in ids if cell.id in reaching[id]}
                given = frozenset(item for item in variant.items() if item[0] in theirs)
                stored = not given or given == {(id, OWN) for id in theirs}
                if not stored and (cell.id, given) not in tried:
                    tried.add((cell.id, given))
                    new.add(cell.id)
            yield self.with_what_they_build_on(new)

    def reached(self, answered: str) -> set[str]:
        """The ids of the cells that the answer to an exercise can reach."""
        found: set[str] = set()
        theirs: set[str] = set()
        for cell in self.code:
            if self.names[cell.id].read & theirs or answered in self.checks[cell.id]:
                found.add(cell.id)
                theirs |= self.makes(cell.id)
            else:
                theirs -= self.names[cell.id].bound - {FILES}
        return found

    def with_what_they_build_on(self, chosen: set[str]) -> set[str]:
        """The ids of the chosen cells, of the checks, and of all that made what they read."""
        found, needed = set(chosen), set[str]()
        for cell in reversed(self.code):
            if cell.id in found or self.checks[cell.id] or self.makes(cell.id) & needed:
                found.add(cell.id)
                needed = needed - self.names[cell.id].bound | self.names[cell.id].read
        return found

    def makes(self, id: str) -> set[str]:
        """The names that a cell binds, and those of all that it changes."""
        return self.names[id].bound | _all_of(self.changes[id], self.same)

    @contextlib.contextmanager
    def watching(self, id: str, space: Mapping[str, Any]) -> Iterator[None]:
        """Note what a cell changes in place while it runs."""
        if id in self.watched:
            yield
            return
        things = {name: space[name] for name in self.changes[id] if name in space}
        before = {name: _marks(thing) for name, thing in things.items()}
        yield
        self.watched.add(id)
        self.changes[id] = self.changes[id] & {FILES} | {
            name for name, marks in before.items() if not marks or marks != _marks(things[name])
        }


def _marks(thing: Any) -> str:
    """A fingerprint; none where there is no telling."""
    try:
        return fingerprint(thing)
    except NoFingerprint:
        return ""


def _read_through_functions(cells: Collection[_Names]) -> None:
    """Who reads a function or a class of the notebook reads what its body reads, too."""
    bodies: dict[str, set[str]] = {}
    for cell in cells:
        for name, read in cell.bodies.items():
            bodies[name] = bodies.get(name, set()) | read
    for cell in cells:
        found: set[str] = set()
        while new := cell.read - found:
            found |= new
            cell.read = cell.read.union(*(bodies.get(name, set()) for name in new))


def _other_names(cells: Iterable[_Names], changing: set[str]) -> dict[str, set[str]]:
    """For each name all that may stand for the same thing, for a part of it or for its holder."""
    same = {name: {name} for name in changing}
    for one, other in (pair for cell in cells for pair in cell.pairs if changing >= set(pair)):
        joined = same[one] | same[other]
        for name in joined:
            same[name] = joined
    return same


def _all_of(names: set[str], same: Mapping[str, set[str]]) -> set[str]:
    return names.union(*(same[name] for name in names))


def _attributes_set(tree: ast.AST) -> set[str]:
    """The names, modules too, of which an attribute is set."""
    targets = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute)]
    return set().union(*(_used(n, ast.Load) for n in targets if isinstance(n.ctx, ast.Store)))


def _pairs(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Names and what they are made from where that holds the same thing, not a new one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.For | ast.comprehension):
            targets, value = [node.target], node.iter
        else:
            continue
        bound = set().union(*(_used(target, ast.Store) for target in targets))
        yield from ((one, other) for one in bound for other in _held(value))


def _held(value: ast.AST) -> set[str]:
    """The names of what a value holds: itself, in displays, parts of it, and objects made of it."""
    if isinstance(value, ast.Name):
        return {value.id}
    if isinstance(value, ast.Call):
        return _used(value, ast.Load) if _last_name(value.func)[:1].isupper() else set()
    if isinstance(value, KEPT):
        return set().union(*map(_held, ast.iter_child_nodes(value)))
    return set()


def _called(tree: ast.AST) -> set[str]:
    """The last names of what is called, the names before a dot, and those of settings."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found |= {_last_name(node.func), *(setting.arg or "" for setting in node.keywords)}
        elif isinstance(node, ast.Attribute):
            found.add(_last_name(node.value))
    return found


def _last_name(node: ast.AST) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))


def _used(node: ast.AST, how: type[ast.expr_context]) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, how)}


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _read(table: symtable.SymbolTable) -> Iterator[str]:
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() if top else symbol.is_global():
            yield symbol.get_name()
