"""`course build`: one source in, two executed notebooks out, the same bytes each time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

import utils
from utils.course.building.frame import add_links, fold_answers, list_sources
from utils.course.building.linking import link_text
from utils.course.building.source import SOLUTION_ONLY, Source, SourceError, read_source
from utils.llm.machine.files import replacing

IGNORED = "nbval-ignore-output"
WIDGET = "application/vnd.jupyter.widget-view+json"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class BuildError(RuntimeError):
    """A notebook could not be built; the message names the source's file, line and cell."""


@dataclass(frozen=True)
class Target:
    """One notebook to be built, and the source it comes from."""

    source: Source
    path: Path
    solved: bool

    def generate(self) -> NotebookNode:
        """The notebook as the source says it should be, not yet executed."""
        notebook = self.source.solved() if self.solved else self.source.unsolved()
        if not self.solved:
            fold_answers(notebook)
        link_text(notebook, self.source.path)
        list_sources(notebook)
        add_links(notebook, self.source.path)
        notebook.metadata["course"] = {"source": f"solutions/{self.source.path.name}"}
        return notebook


def course_root(start: Path | None = None) -> Path:
    """The folder that holds `solutions/` and `chapters/`, looking upwards from `start`.

    Raises ValueError where there is none.
    """
    start = (start or Path.cwd()).resolve()
    package = Path(__file__).resolve().parents[3]
    for folder in (start, *start.parents, package):
        if (folder / "solutions").is_dir() and (folder / "chapters").is_dir():
            return folder
    raise ValueError(f"{start} is not inside the course: no folder with chapters/ and solutions/")


def targets(root: Path, names: Sequence[str] = ()) -> list[Target]:
    """The notebooks of all chapters, or of those whose file name starts with one of `names`.

    Raises ValueError for a name that no chapter has, SourceError for a source that is not sound.
    """
    paths = sorted((root / "solutions").glob("[0-9][0-9]_*.py"))
    chosen = [p for p in paths if not names or any(p.stem.startswith(_stem(n)) for n in names)]
    for name in names:
        if not any(p.stem.startswith(_stem(name)) for p in paths):
            have = ", ".join(p.stem for p in paths)
            raise ValueError(f"no chapter is called {name!r}; there are {have}")
    found = []
    for path in chosen:
        source = read_source(path)
        found.append(Target(source, root / "solutions" / f"{path.stem}.ipynb", solved=True))
        found.append(Target(source, root / "chapters" / f"{path.stem}.ipynb", solved=False))
    return found


def _stem(name: str) -> str:
    return Path(name).name.removesuffix(".py").removesuffix(".ipynb")


def build(
    names: Sequence[str] = (), *, check: bool = False, force: bool = False, prose: bool = False
) -> int:
    """Build, or with `check` only compare, the notebooks of the chapters in `names` (all if empty).

    With `prose` nothing is run: outputs stay, where no code has changed.
    Returns the exit code: 0 when all is well, 1 otherwise, 130 where it was interrupted; what is
    wrong is said on stderr.
    """
    try:
        todo = targets(course_root(), names)
    except (SourceError, ValueError) as error:
        return _complain(str(error))
    failures = 0
    for target in todo:
        label = f"{target.path.parent.name}/{target.path.name}"
        try:
            if check:
                _compare(target, label)
            else:
                print(f"{label}: {_build_one(target, label, force, prose)}", flush=True)
        except BuildError as error:
            failures += _complain(str(error))
        except KeyboardInterrupt:
            _complain(f"interrupted at {label}, which is as it was before.")
            return 130
    if check and not failures:
        print(f"{len(todo)} notebooks are what their sources generate")
    return min(failures, 1)


def _complain(message: str) -> int:
    print(f"course build: {message}", file=sys.stderr, flush=True)
    return 1


def _build_one(target: Target, label: str, force: bool, prose: bool) -> str:
    stored = _read(target.path)
    if target.path.exists() and not force and edited_by_hand(stored):
        raise BuildError(
            f"{label} holds changes of somebody's own and was left alone; "
            "move it away, or build with --force to lose them"
        )
    notebook = target.generate()
    if prose:
        _take_outputs(notebook, stored, label)
    else:
        notebook.metadata["course"]["made_of"] = made_of(notebook)
        execute(notebook, target)
        _keep_ignored_outputs(notebook, stored)
    sign(notebook)
    text = nbformat.writes(notebook, indent=1, ensure_ascii=False) + "\n"
    if target.path.exists() and target.path.read_text(encoding="utf-8") == text:
        return "unchanged"
    _write(target.path, text)
    return "written"


def _read(path: Path) -> NotebookNode | None:
    """The notebook at `path`; None where there is none that can be read."""
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        return notebook
    except Exception:
        return None


def _write(path: Path, text: str) -> None:
    """Write whole or not at all: a build that is cut short leaves the old notebook."""
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as file:
        file.write(text.encode())


def execute(
    notebook: NotebookNode, target: Target, strict: bool | None = None, timeout: int = 1200
) -> None:
    """Run all cells in a fresh kernel in the notebook's folder, keeping the outputs.

    Raises BuildError, naming the place in the source, for a cell that fails, that never ends, or
    that writes to stderr: a warning in a chapter is a fault of ours.
    """
    strict = target.solved if strict is None else strict
    environment = {**os.environ, "COURSE_STRICT": "1" if strict else "0"}
    environment.pop("COURSE_REPORT", None)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(target.path.parent)}},
    )
    target.path.parent.mkdir(exist_ok=True)
    try:
        # The kernel's own log goes nowhere: what a cell says comes over its channels.
        client.execute(env=environment, stderr=subprocess.DEVNULL)
    except Exception as error:
        if getattr(client, "_async_cleanup_kernel_future", None) is not None:
            raise KeyboardInterrupt from None  # nbclient took the signal, and ended the kernel
        if not isinstance(error, CellExecutionError | CellTimeoutError | DeadKernelError):
            raise
        raise BuildError(_failure(notebook, target, error)) from None
    for cell in notebook.cells:
        _tidy(cell)
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr" and IGNORED not in cell.metadata.get("tags", []):
                place = _place(target, cell)
                raise BuildError(f"{place}: the cell wrote to stderr: {output.text.strip()}")


def _failure(notebook: NotebookNode, target: Target, error: Exception) -> str:
    run = [cell for cell in notebook.cells if cell.get("execution_count")]
    cell = run[-1] if run else notebook.cells[0]
    if isinstance(error, CellExecutionError):
        outputs = [o for o in cell.get("outputs", []) if o.output_type == "error"]
        said = "\n".join(outputs[-1].traceback) if outputs else str(error)
        text = f"the cell failed with {error.ename}: {error.evalue}\n{ANSI.sub('', said)}"
    elif isinstance(error, CellTimeoutError):
        text = "the cell did not end in time"
    else:
        text = "the kernel died in this cell"
    return f"{_place(target, cell)}: {text}"


def _place(target: Target, cell: NotebookNode) -> str:
    ids = [c.id for c in target.source.notebook.cells]
    at = ids.index(cell.id) if cell.id in ids else len(ids) - 1  # the builder's own cell ends it
    return f"{target.source.where(at)}, for {target.path.parent.name}/"


def _tidy(cell: NotebookNode) -> None:
    """Drop what differs from run to run, and views of widgets, whose static form stays."""
    cell.metadata.pop("execution", None)
    for output in cell.get("outputs", []):
        data = output.get("data")
        if data is not None and len(data) > 1:
            data.pop(WIDGET, None)


def made_of(notebook: NotebookNode) -> str:
    """A digest of what the outputs come from: all code cells, the package's code, and its data."""
    package = Path(utils.__file__).parent
    below = [path for room in ("llm", "data", "viz") for path in (package / room).rglob("*")]
    code = [c.source for c in notebook.cells if c.cell_type == "code"]
    digest = hashlib.sha256(_digest(code).encode())
    for path in sorted(path for path in below if path.is_file() and path.suffix != ".pyc"):
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _keep_ignored_outputs(notebook: NotebookNode, stored: NotebookNode | None) -> None:
    """Keep what was stored for a cell whose output is not compared, unless it may be out of date.

    A rebuild of the same code and data changes nothing so; after any change of them it is new.
    """
    said = notebook.metadata["course"]["made_of"]
    if stored is None or stored.metadata.get("course", {}).get("made_of") != said:
        return
    old = {cell.id: cell for cell in stored.cells if "id" in cell}
    for cell in notebook.cells:
        before = old.get(cell.id)
        ignored = IGNORED in cell.metadata.get("tags", [])
        if ignored and before and before.source == cell.source and before.get("outputs"):
            cell.outputs = before.outputs


def _take_outputs(notebook: NotebookNode, stored: NotebookNode | None, label: str) -> None:
    """Give the cells the outputs that are stored. Raises BuildError where code has changed."""
    if stored is None:
        raise BuildError(f"{label} was never run: build it without --prose")
    old, new = ([c for c in n.cells if c.cell_type == "code"] for n in (stored, notebook))
    if [c.source for c in old] != [c.source for c in new]:
        raise BuildError(f"{label} has other code than its source: build it without --prose")
    for before, cell in zip(old, new, strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    notebook.metadata["course"]["made_of"] = stored.metadata["course"]["made_of"]
    notebook.metadata["language_info"] = stored.metadata["language_info"]


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digests(notebook: NotebookNode) -> dict[str, str]:
    """Fingerprints of what the cells say, and of what they put out."""
    sources = [(c.cell_type, c.get("id"), c.source.rstrip()) for c in notebook.cells]
    outputs = [(c.get("execution_count"), c.get("outputs", [])) for c in notebook.cells]
    return {"sources": _digest(sources), "outputs": _digest(outputs)}


def sign(notebook: NotebookNode) -> None:
    """Note in the notebook what the builder made, so that later changes by hand can be told."""
    notebook.metadata.setdefault("course", NotebookNode()).update(digests(notebook))


def edited_by_hand(notebook: NotebookNode | None) -> bool:
    """Whether the cells are no longer those that the builder wrote (outputs may have changed)."""
    if notebook is None:
        return True
    return notebook.metadata.get("course", {}).get("sources") != digests(notebook)["sources"]


def run_by_hand(notebook: NotebookNode) -> bool:
    """Whether cells or outputs are no longer those that the builder wrote."""
    signed = notebook.metadata.get("course", {})
    return any(signed.get(name) != digest for name, digest in digests(notebook).items())


def _compare(target: Target, label: str) -> None:
    """Raise BuildError where a stored notebook is not what its source generates, executed."""
    stored = _read(target.path)
    if stored is None:
        raise BuildError(f"{label} is missing or is no notebook: run `make notebooks`")
    fresh = target.generate()
    for old, new in zip(stored.cells, fresh.cells, strict=False):
        same = (old.cell_type, old.get("id"), old.source) == (new.cell_type, new.id, new.source)
        if not same or old.metadata != new.metadata:
            raise BuildError(
                f"{label} is not what its source generates, from {_place(target, new)} on: "
                "run `make notebooks`"
            )
    if len(stored.cells) != len(fresh.cells):
        raise BuildError(f"{label} has {len(stored.cells)} cells, its source {len(fresh.cells)}")
    if run_by_hand(stored):
        raise BuildError(f"{label} was run or changed after it was built: run `make notebooks`")
    counts = [c.execution_count for c in stored.cells if c.cell_type == "code" and c.source.strip()]
    if counts != list(range(1, len(counts) + 1)):
        raise BuildError(f"{label} is not stored executed from top to bottom")


__all__ = ["SOLUTION_ONLY", "BuildError", "Target", "build", "execute", "targets"]
