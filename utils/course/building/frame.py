"""What a built chapter has beside its source: folds, a list of sources, links to its neighbours."""

from __future__ import annotations

import re
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

LINKS = "next-and-back"
_ASKS = re.compile(r"""^ask\(["'][^"']+["']\)\s*\Z""", re.MULTILINE)
_TITLE = re.compile(r"^# # (.+)$", re.MULTILINE)
_SOURCES = re.compile(r"^(Sources[^.\n]*)\. (.+?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
#: Between two sources: what follows says what it is a source of, before any name or title.
_NEXT_SOURCE = re.compile(r"(?<=\.) (?=[^\s.:*][^.:*]*: )")


def fold_answers(notebook: NotebookNode) -> None:
    """Fold the output of each cell that comes right behind a question, and so gives it away.

    JupyterLab unfolds it where the cell is run; what `ask` shows then hides it until a choice.
    """
    for before, cell in zip(notebook.cells, notebook.cells[1:], strict=False):
        code = before.cell_type == cell.cell_type == "code"
        if code and _ASKS.search(before.source) and not _ASKS.search(cell.source):
            cell.metadata["jupyter"] = NotebookNode(outputs_hidden=True)


def list_sources(notebook: NotebookNode) -> None:
    """Make a list of a paragraph that begins with *Sources.*, an entry for each subject."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _SOURCES.sub(_listed, cell.source)


def _listed(paragraph: re.Match[str]) -> str:
    entries = _NEXT_SOURCE.split(" ".join(paragraph[2].split()))
    parts = [entry.partition(":") for entry in entries]
    entries = [f"- **{subject}**{colon}{rest}" for subject, colon, rest in parts]
    return "\n".join([f"**{paragraph[1]}**", "", *entries])


def add_links(notebook: NotebookNode, source: Path) -> None:
    """End the notebook with links to its top, where Run All began, and to its neighbours."""
    paths = sorted(source.parent.glob("[0-9][0-9]_*.py"))
    at = paths.index(source)
    links = [f'<a href="#{_title(source).replace(" ", "-")}">To the top</a>']
    links += [_link("Back", path) for path in paths[max(at - 1, 0) : at]]
    links += [_link("Next", path) for path in paths[at + 1 : at + 2]]
    if len(links) > 1:
        notebook.cells.append(new_markdown_cell(" · ".join(links), id=LINKS))


def _link(word: str, source: Path) -> str:
    return f"[{word}: {_title(source)}]({source.stem}.ipynb)"


def _title(source: Path) -> str:
    found = _TITLE.search(source.read_text(encoding="utf-8"))
    return found[1] if found else source.stem
