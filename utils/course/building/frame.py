"""What a built chapter has beside its source: answers folded away, links to its neighbours."""

from __future__ import annotations

import re
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

LINKS = "next-and-back"
_ASKS = re.compile(r"""^ask\(["'][^"']+["']\)\s*\Z""", re.MULTILINE)
_TITLE = re.compile(r"^# # (.+)$", re.MULTILINE)


def fold_answers(notebook: NotebookNode) -> None:
    """Fold the output of each cell that comes right behind a question, and so gives it away.

    JupyterLab unfolds it where the cell is run; what `ask` shows then hides it until a choice.
    """
    for before, cell in zip(notebook.cells, notebook.cells[1:], strict=False):
        code = before.cell_type == cell.cell_type == "code"
        if code and _ASKS.search(before.source) and not _ASKS.search(cell.source):
            cell.metadata["jupyter"] = NotebookNode(outputs_hidden=True)


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
