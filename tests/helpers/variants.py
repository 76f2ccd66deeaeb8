"""The variants of a chapter: which exercises each run of it answers, and with what.

A variant is a dictionary from the id of each answered exercise to the name of one of its listed
alternatives, or to OWN for the chapter's own solution. What it does not name is not attempted.
"""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, count
from math import comb

from utils.course.building.source import Source, checked_ids
from utils.course.checking import registry

OWN = ""
Variant = dict[str, str]


def halves(n_ids: int) -> list[tuple[int, ...]]:
    """For each exercise the runs that answer it: of any two, one run has each without the other.

    Each is answered in half of the runs, and no two in the same half (Sperner 1928), so five
    runs are enough for ten exercises. The runs with none and with all solved are nbval's.
    """
    n_runs = next(n for n in count(2) if comb(n, n // 2) >= n_ids)
    return list(combinations(range(n_runs), (n_runs + 1) // 2))[:n_ids]


def mixed(alternatives: Mapping[str, Sequence[str]]) -> list[Variant]:
    """The runs of `halves`; an exercise is answered by another of its alternatives each time."""
    chosen = halves(len(alternatives))
    runs: list[Variant] = [{} for _ in range(1 + max(max(half) for half in chosen))]
    for (id, names), half in zip(alternatives.items(), chosen, strict=True):
        for place, run in enumerate(half):
            runs[run][id] = names[place] if place < len(names) else OWN
    return runs


def further(alternatives: Mapping[str, Sequence[str]]) -> list[Variant]:
    """Runs with the alternatives that found no place in those, as many of them as go together."""
    answered = len(halves(len(alternatives))[0])
    left = {id: names[answered:] for id, names in alternatives.items()}
    most = max(map(len, left.values()))
    return [{id: names[i] for id, names in left.items() if i < len(names)} for i in range(most)]


def alternatives(ids: Sequence[str]) -> dict[str, list[str]]:
    """The names of the alternatives that each exercise lists."""
    return {id: list(registry.exercise(id).alternatives) for id in ids}


def cells(source: Source, variant: Variant) -> list[tuple[str, str]]:
    """The id and the text of every code cell, with the answers of a variant in place."""
    found = []
    for cell in source.unsolved({id for id, name in variant.items() if name == OWN}).cells:
        if cell.cell_type == "code":
            found.append((cell.id, _answered(cell.source, checked_ids(cell), variant)))
    return found


def _answered(text: str, ids: Sequence[str], variant: Variant) -> str:
    for id in ids:
        if variant.get(id, OWN) != OWN:
            module = "__import__('helpers.signatures').signatures"
            call = f"{module}.alternative({id!r}, {variant[id]!r})"
            text = re.sub(rf'check\("{re.escape(id)}", *\w+\)', f"check({id!r}, {call})", text)
    return text


def touched(source: Source, variant: Variant) -> set[str]:
    """The ids of the cells that an answer of a variant can reach, and of those they build on.

    An answer reaches what reads a name that it made, or one of a thing that it may have changed:
    directly, through a function that the notebook defines, under another name for the same thing,
    or in a file. Any other cell does what it does in chapters/, where nothing is answered, and
    leaves what it leaves there. All checks are made.
    """
    code = [cell for cell in source.notebook.cells if cell.cell_type == "code"]
    names = {cell.id: _Names(cell.source) for cell in code}
    _read_through_functions(names.values())
    changing = set().union(*(each.changing for each in names.values()))
    same = _other_names(names.values(), changing)
    found: set[str] = set()
    theirs: set[str] = set()
    for cell in code:
        here = names[cell.id]
        if here.read & theirs or variant.keys() & set(checked_ids(cell)):
            found.add(cell.id)
            theirs |= here.bound | _all_of(here.read & changing, same)
        else:
            theirs -= here.bound - {FILES}
    needed: set[str] = set()
    for cell in reversed(code):
        here = names[cell.id]
        makes = here.bound | _all_of(here.read & changing, same)
        if cell.id in found or checked_ids(cell) or makes & needed:
            found.add(cell.id)
            needed = needed - here.bound | here.read
    return found


def seeds(text: str) -> str:
    """The lines of a cell that set the global dice: they fall for the cells behind it, too."""
    lines = [ast.unparse(statement) for statement in ast.parse(text).body]
    return "\n".join(line for line in lines if line.startswith(SEEDS))


SEEDS = ("torch.manual_seed(", "random.seed(", "np.random.seed(")
KEPT = (ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.Dict, ast.Starred, ast.IfExp)
#: All files together are one thing that cells read and change.
FILES = "<files>"
FILE_WORDS = {"open", "Path", "tempfile", "os", "shutil", "subprocess", "assemble", "together"}
FILE_WORDS |= {"write_text", "write_bytes", "read_text", "read_bytes", "save", "to_hf", "snapshot"}


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
        if FILE_WORDS & set(map(_last_name, ast.walk(tree))):
            for known in (self.bound, self.changing, self.read):
                known.add(FILES)

    def _read_first(self, statements: Sequence[ast.stmt], before: set[str]) -> set[str]:
        """The names that are read, maybe, before these statements bind them."""
        read: set[str] = set()
        for statement in statements:
            loop = isinstance(statement, ast.For)
            read |= _used(statement.iter if loop else statement, ast.Load) - before
            before |= _used(statement.target if loop else statement, ast.Store) & self.bound
            read |= self._read_first(statement.body, before) if loop else set()
        return read


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
