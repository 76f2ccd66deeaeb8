"""Running one notebook in a fresh kernel, cell by cell, without ever touching its file."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import re
import secrets
import shlex
import shutil
import sys
import tempfile
import textwrap
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from utils.course import checking
from utils.course.building.place import Progress
from utils.course.building.plan import Cell, NotANotebook, Plan, names_bound, read_plan
from utils.course.checking import reporting
from utils.course.grading.afresh import judge_again
from utils.course.grading.fresh_kernel import FreshKernel, KernelDied, KernelStuck, Reply, Stopped
from utils.course.grading.results import (
    STATUSES,
    CellFailure,
    ExerciseResult,
    Kind,
    NotebookReport,
    clean,
    one_line,
)
from utils.course.grading.unseen import expected_plan, lost_names
from utils.course.grading.unseen import unseen as unseen_answers

_DISTRIBUTION = {
    "yaml": "PyYAML",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
}


def run_notebook(
    path: Path,
    name: str,
    cell_timeout: float,
    notebook_timeout: float,
    stop: threading.Event,
    progress: Progress = lambda _: None,
    strict: bool = False,
) -> NotebookReport:
    """Run the notebook at `path` as it is on disk and report on it under `name`.

    No cell may take longer than `cell_timeout` seconds, nor all together `notebook_timeout`.
    A cell that fails does not stop the others. Setting `stop` ends the run with what there is.
    With `strict`, the right answers are judged again in a process without the notebook.
    """
    report, start = NotebookReport(path, name), monotonic()
    try:
        plan = read_plan(path)
    except NotANotebook as error:
        report.problem = f"{name} {error}"
        return report
    report.cells = len(plan.cells)
    report.problem = shadow(path.resolve().parent)
    expected = expected_plan(path, plan)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        run = _Run(plan, expected, report, Path(folder) / "report.jsonl", cell_timeout)
        try:
            if report.problem is None:
                with FreshKernel(path.resolve().parent, _environment(run.log), stop) as kernel:
                    run.cells_of(kernel, notebook_timeout, progress)
        except KernelDied as error:
            report.problem = f"The kernel did not start: it {error}"
        except Stopped:
            report.interrupted = True
        if not shutil.disk_usage(folder).free:
            report.problem = f"The disk of {folder} is full: make room there and run this again"
    run.settle()
    if strict and not report.interrupted:
        progress(f"{name}: the right answers once more, alone")
        judge_again(report)
    report.seconds = monotonic() - start
    return report


def shadow(folder: Path) -> str | None:
    """What hides the course's package from a kernel that starts in this folder, if anything does.

    Python looks beside a notebook before it looks among what is installed.
    """
    ours = Path(checking.__file__).resolve().parents[2]
    for path in (folder / "utils.py", folder / "utils"):
        if path.is_file() or ((path / "__init__.py").is_file() and path.resolve() != ours):
            return (
                f"{path.name} beside the notebook hides the course's package of that name: "
                "give it another name"
            )
    return None


def _environment(log: Path) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name != "COURSE_STRICT"}
    return env | {"COURSE_REPORT": str(log)}


@dataclass
class _Run:
    plan: Plan
    expected: Plan | None
    report: NotebookReport
    log: Path
    cell_timeout: float
    found: dict[str, ExerciseResult] = field(default_factory=dict)
    key: str = field(default_factory=lambda: secrets.token_hex(32))
    _read: int = 0

    def cells_of(self, kernel: FreshKernel, limit: float, progress: Progress) -> None:
        """Run all cells, until the kernel dies or the time for them all is up."""
        deadline = monotonic() + limit
        kernel.prepare(f"__import__({reporting.__name__!r}, fromlist=['']).begin({self.key!r})")
        for cell in self.plan.cells:
            left = deadline - monotonic()
            if left <= 0:
                self.report.problem = (
                    f"The {limit:g} s for the whole notebook were up before cell {cell.number} "
                    f"of {self.report.cells}"
                )
                return
            progress(f"{self.report.name}: cell {cell.number} of {self.report.cells}")
            alive = self._run_cell(kernel, cell, min(self.cell_timeout, left))
            self.report.cells_run += 1
            self._read_log(cell)
            if not alive:
                return

    def _run_cell(self, kernel: FreshKernel, cell: Cell, timeout: float) -> bool:
        try:
            reply = kernel.run(cell.source, timeout)
        except KernelDied as error:
            self._fail(cell, "kernel died", f"the kernel died here: it {error}")
            return False
        except KernelStuck:
            error = f"did not end within {timeout:.3g} s, nor when it was interrupted"
            self._fail(cell, "timed out", error)
            return False
        if reply.status == "timed out":
            self._fail(cell, "timed out", f"did not end within {timeout:.3g} s; it was interrupted")
        elif reply.status == "error" and "raises-exception" not in cell.tags:
            self._raised(cell, reply)
        if reply.ends_kernel:
            self._fail(cell, "kernel died", "this cell ends the kernel: it calls exit() or quit()")
        return not reply.ends_kernel

    def _raised(self, cell: Cell, reply: Reply) -> None:
        missing = missing_package(reply)
        value = re.sub(
            r" \(\d+\.py, line \d+\)$", "", reply.value
        )  # IPython's name of a cell's file
        error = one_line(f"{reply.name}: {value}" if value else reply.name)
        if missing:
            self._fail(cell, "missing package", f"{error}. {missing}", _line(cell, reply))
            return
        follows, hint = self._cause(cell, reply)
        self._fail(cell, "raised", error + hint, _line(cell, reply), follows)

    def _fail(
        self,
        cell: Cell,
        kind: Kind,
        error: str,
        line: int | None = None,
        follows: int | None = None,
    ) -> None:
        failure = CellFailure(cell.number, clean(cell.heading), kind, error, line, follows)
        self.report.failures.append(failure)

    def _cause(self, cell: Cell, reply: Reply) -> tuple[int | None, str]:
        """The failed cell that a NameError comes from, or else a hint where the name is defined."""
        named = re.search(r"name '(\w+)' is not defined", reply.value)
        if reply.name != "NameError" or not named:
            return None, ""
        name = named.group(1)
        for failure in reversed(self.report.failures):
            if name in names_bound(self.plan.cells[failure.cell - 1].source):
                return failure.follows or failure.cell, ""
        for later in self.plan.cells[cell.number :]:
            if name in names_bound(later.source):
                return None, f" (it is first defined further down, in cell {later.number})"
        giver = lost_names(self.plan, self.expected).get(name)
        if giver:
            return None, f" (the check of exercise {giver} should give it)"
        return None, ""

    def _read_log(self, cell: Cell) -> None:
        """Take in what `check` wrote while this cell ran.

        An exercise's last verdict counts, but none from elsewhere after one of its own cell.
        """
        if not self.log.exists():
            return
        with self.log.open("rb") as file:
            file.seek(self._read)
            written = file.read()
        whole = written[: written.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.decode("utf-8", "replace").splitlines():
            result = _result(reporting.read(line, self.key), cell.number)
            if result is None:
                said = f"cell {cell.number} wrote a verdict that `check` did not give: not counted"
                self.report.warnings += [said] if said not in self.report.warnings else []
            elif not self._heard_at_home(result.id) or cell.number == self._home(result.id):
                self.found[result.id] = result

    def _home(self, id_: str) -> int | None:
        return self.plan.checked_in.get(id_)

    def _heard_at_home(self, id_: str) -> bool:
        return id_ in self.found and self.found[id_].cell == self._home(id_)

    def settle(self) -> None:
        """List the exercises in the order of the notebook, those that never ran included."""
        unseen = unseen_answers(self.plan, self.expected)
        titles = (self.expected.titles if self.expected else {}) | self.plan.titles
        for id_ in dict.fromkeys([*self.plan.ids, *self.found, *unseen]):
            result = self.found.get(id_) or self._not_run(id_, unseen.get(id_))
            result.title = result.title or clean(titles.get(id_, ""))
            need = self._needed_by(result)
            if need:
                result.status, result.diagnosis = "not run", f"needs {need}"
            elif id_ in unseen or result.status == "missing" or self._went_by(result):
                why = unseen.get(id_) or result.diagnosis
                self.report.warnings.append(f"{result.label}: its answer is not seen: {why}")
            self.report.exercises.append(result)

    def _went_by(self, result: ExerciseResult) -> bool:
        """Whether its cell had its turn, and by its own fault never came to the check."""
        if result.status != "not run" or (result.cell or 0) > self.report.cells_run:
            return False
        return not any(f.follows for f in self.report.failures if f.cell == result.cell)

    def _not_run(self, id_: str, unseen: str | None) -> ExerciseResult:
        number = self._home(id_)
        if number is None:
            why = unseen or f'the notebook holds no check("{id_}", …) any more'
            return ExerciseResult(id_, "", "missing", why)
        own = [failure for failure in self.report.failures if failure.cell == number]
        if own and own[0].kind == "timed out":
            return ExerciseResult(id_, "", "timed out", f"its cell {own[0].error}", cell=number)
        return ExerciseResult(id_, "", "not run", self._why(number, own), cell=number)

    def _needed_by(self, result: ExerciseResult) -> str | None:
        """The exercise whose unseen answer is all that this one failed for, if one is."""
        said = result.diagnosis or ""
        missing = re.search(r"NameError: name '(\w+)' is not defined", said)
        if result.status == "raised" and missing:
            return self._giver(missing[1], result.id)
        own = [f for f in self.report.failures if f.cell == result.cell and f.follows]
        ids = self._ids_in(own[0].follows) if own and result.status == "not run" else []
        return ids[0] if ids else None

    def _giver(self, name: str, but: str) -> str | None:
        """The exercise whose failed cell, or astray check, should have given this name."""
        for failure in self.report.failures:
            if name in names_bound(self.plan.cells[failure.cell - 1].source):
                ids = self._ids_in(failure.follows or failure.cell)
                return next((id_ for id_ in ids if id_ != but), None)
        giver = lost_names(self.plan, self.expected).get(name)
        return giver if giver != but else None

    def _ids_in(self, cell: int | None) -> list[str]:
        return [id_ for id_, number in self.plan.checked_in.items() if number == cell]

    def _why(self, number: int, own: list[CellFailure]) -> str:
        if own and own[0].follows:
            return f"an earlier cell failed: cell {own[0].follows}"
        if own:
            return f"its own cell failed: cell {number}"
        if number <= self.report.cells_run:
            return f"cell {number} ran, but never came to its check"
        if self.report.interrupted:
            return "the run was interrupted before it"
        ended = f" in cell {self.report.cells_run}" if self.report.cells_run else ""
        return f"the run ended before it{ended}"


def _result(entry: Mapping[str, Any] | None, cell: int) -> ExerciseResult | None:
    """What one line of `check`'s report says, or None where it says nothing that can be used."""
    try:
        if entry is None or entry["status"] not in STATUSES:
            return None
        status, diagnosis = entry["status"], entry.get("diagnosis")
        if entry.get("changed"):
            status, diagnosis = "wrong", f"the notebook changed {entry['changed']}, which judges it"
        return ExerciseResult(
            id=clean(str(entry["id"])),
            title=clean(str(entry.get("title") or "")),
            status=status,
            diagnosis=_tidy(str(diagnosis)) if diagnosis else None,
            seconds=float(entry.get("seconds") or 0.0),
            cell=cell,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _tidy(diagnosis: str) -> str:
    """The diagnosis without the indentation that it has below a chapter's cell."""
    first, _, rest = clean(diagnosis).strip().partition("\n")
    return f"{first}\n{textwrap.dedent(rest)}" if rest else first


def _line(cell: Cell, reply: Reply) -> int | None:
    """The line of the cell itself that was running, from IPython's traceback."""
    frames = re.findall(r"In\s?\[(\d+)\], line (\d+)", clean("\n".join(reply.traceback), 100_000))
    return next((int(line) for number, line in frames if int(number) == cell.number), None)


def missing_package(reply: Reply) -> str | None:
    """What to install where a cell failed for want of a package; None for any other error."""
    named = re.search(r"No module named '([\w.]+)'", reply.value)
    if reply.name != "ModuleNotFoundError" or not named:
        return None
    module = named.group(1).split(".")[0]
    if named.group(1) == "utils":
        command = shlex.join([_interpreter(), "-m", "pip", "install", "-e", "."])
        return f"The course itself is not installed; in its folder, this installs it: {command}"
    importlib.invalidate_caches()
    if module in sys.modules or importlib.util.find_spec(module) is not None:
        return None  # the package is there, and only a part of that name is not
    package = _DISTRIBUTION.get(module, module)
    command = shlex.join([_interpreter(), "-m", "pip", "install", package])
    return f"The package {package} is missing; this installs it: {command}"


def _interpreter() -> str:
    try:
        return str(Path(sys.executable).relative_to(Path.cwd()))
    except ValueError:
        return sys.executable
