"""Read a chapter's one source, `solutions/NN_name.py`, and derive both notebooks from it."""

from __future__ import annotations

import copy
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from utils.course.building import plan as notebook_plan
from utils.course.checking import registry
from utils.course.checking.exercise import Exercise

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
SOLUTION_ONLY = "solution-only"
HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
EXERCISE_HEADING = re.compile(r"^### Exercise (\d+\.\w+) · (.+)$", re.MULTILINE)
EXERCISE_FACTS = re.compile(r"^([★☆]{3}) · (\d+) min( · .+)?$", re.MULTILINE)
LANGUAGE = {
    "name": "python",
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "codemirror_mode": {"name": "ipython", "version": 3},
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


class SourceError(ValueError):
    """Something in a chapter's source is not as the builder needs it; names file and line."""


@dataclass(frozen=True)
class Source:
    """A chapter as written: its notebook without outputs, and the line each cell starts on."""

    path: Path
    notebook: NotebookNode
    lines: tuple[int, ...]

    @property
    def name(self) -> str:
        return self.path.stem

    def where(self, cell: int) -> str:
        """The place of a cell for a message: `solutions/02_x.py:140 (cell 12)`."""
        return f"{self.path.parent.name}/{self.path.name}:{self.lines[cell]} (cell {cell + 1})"

    def solved(self) -> NotebookNode:
        """The notebook with every solution in it."""
        return copy.deepcopy(self.notebook)

    def unsolved(self, solved: frozenset[str] | set[str] = frozenset()) -> NotebookNode:
        """The notebook a learner opens, all exercises but those in `solved` taken out."""
        notebook = copy.deepcopy(self.notebook)
        notebook.cells = [
            cell for cell in notebook.cells if SOLUTION_ONLY not in cell.metadata.get("tags", [])
        ]
        for cell in notebook.cells:
            ids = checked_ids(cell)
            if BEGIN in cell.source and not set(ids) <= set(solved):
                cell.source = take_out(cell.source, ids[0])
        return notebook


def read_source(path: Path) -> Source:
    """Read a Jupytext percent script, and hold it to the rules of a chapter.

    Raises SourceError, with file and line, for unpaired solution markers, an exercise without its
    header line of stars and minutes, or one that the registry does not know or knows otherwise.
    """
    text = path.read_text(encoding="utf-8")
    notebook = jupytext.reads(text, fmt="py:percent")
    starts = [n for n, line in enumerate(text.splitlines(), 1) if re.match(r"# %%( |$)", line)]
    if not any(cell.source.strip() for cell in notebook.cells):
        raise SourceError(f"{path.name} is empty: a chapter has cells")
    if len(starts) != len(notebook.cells):
        raise SourceError(
            f"{path.name}: {len(starts)} cell markers but {len(notebook.cells)} cells; "
            "every cell must start with a '# %%' line, the first one too"
        )
    notebook.metadata = NotebookNode(
        kernelspec=NotebookNode(KERNEL), language_info=nbformat.from_dict(LANGUAGE)
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    _name_cells(notebook)
    source = Source(path, notebook, tuple(starts))
    _validate(source)
    return source


def take_out(code: str, exercise: str) -> str:
    """Replace what stands between the solution markers by the line that says whose turn it is.

    >>> print(take_out("def f():\\n    ### BEGIN SOLUTION\\n    return 1\\n    ### END SOLUTION", "4.2"))
    def f():
        raise NotImplementedError("Exercise 4.2: your turn")
    """  # noqa: E501
    kept, inside = [], False
    for line in code.splitlines():
        if line.strip() == BEGIN:
            indent = line[: len(line) - len(line.lstrip())]
            kept.append(f'{indent}raise NotImplementedError("Exercise {exercise}: your turn")')
            inside = True
        elif line.strip() == END:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def checked_ids(cell: NotebookNode) -> list[str]:
    """The ids of the exercises that a cell checks: the strings in its `check("2.3", …)`."""
    return notebook_plan.checked_ids(cell.source) if cell.cell_type == "code" else []


def _slug(heading: str) -> str:
    plain = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48] or "cell"


def _name_cells(notebook: NotebookNode) -> None:
    """Give each cell an id from the heading above it and its place below that heading."""
    heading, used = "top", dict[str, int]()
    for cell in notebook.cells:
        cell.metadata.pop("lines_to_next_cell", None)
        found = HEADING.search(cell.source) if cell.cell_type == "markdown" else None
        if found:
            heading = _slug(found[1])
        used[heading] = used.get(heading, 0) + 1
        cell.id = f"{heading}-{used[heading]}"
    # Two headings may share their words: number the repeated ids apart.
    seen: set[str] = set()
    for cell in notebook.cells:
        while cell.id in seen:
            cell.id += "x"
        seen.add(cell.id)


def _validate(source: Source) -> None:
    header: tuple[str, str, int] | None = None
    facts: re.Match[str] | None = None
    for i, cell in enumerate(source.notebook.cells):
        if cell.cell_type == "markdown":
            found = EXERCISE_HEADING.search(cell.source)
            if found:
                header, facts = (found[1], found[2].strip(), i), EXERCISE_FACTS.search(cell.source)
            continue
        if cell.cell_type != "code":
            continue
        _validate_markers(source, i)
        if BEGIN not in cell.source:
            continue
        ids = checked_ids(cell)
        if len(ids) != 1:
            raise SourceError(
                f"{source.where(i)}: a cell with a solution must check one exercise, "
                f'as in `name = check("2.3", name)`; this one checks {len(ids)}'
            )
        if header is None or header[0] != ids[0]:
            raise SourceError(
                f"{source.where(i)}: exercise {ids[0]} needs a cell above it with the heading "
                f"'### Exercise {ids[0]} · Title'"
            )
        try:
            registered = registry.exercise(ids[0])
        except ValueError as error:
            raise SourceError(f"{source.where(i)}: {error}") from None
        _validate_header(source.where(header[2]), header[1], facts, registered)


def _validate_markers(source: Source, i: int) -> None:
    code = source.notebook.cells[i].source
    marks = [line.strip() for line in code.splitlines() if line.strip() in (BEGIN, END)]
    if marks != [BEGIN, END] * (len(marks) // 2):
        raise SourceError(f"{source.where(i)}: '{BEGIN}' and '{END}' must come in pairs")


def _validate_header(
    where: str, title: str, facts: re.Match[str] | None, registered: Exercise
) -> None:
    if facts is None:
        raise SourceError(
            f"{where}: exercise {registered.id} lacks its line of stars and minutes, "
            f"such as '★★☆ · 10 min · where it comes from'"
        )
    written = {"title": title, "stars": facts[1].count("★"), "minutes": int(facts[2])}
    for name, value in written.items():
        if value != getattr(registered, name):
            raise SourceError(
                f"{where}: exercise {registered.id} has the {name} {value!r} in the text but "
                f"{getattr(registered, name)!r} in utils.course.exercises"
            )
