"""`course check`: a learner's own CI. Runs notebooks as they are on disk and reports on them."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from utils.course.building.place import NothingToCheck, find_chapters, progress
from utils.course.grading.notebook_run import run_notebook
from utils.course.grading.reports import (
    annotations,
    append_markdown,
    print_report,
    write_json,
    write_junit,
)
from utils.course.grading.results import UNABLE, NotebookReport, exit_code
from utils.course.grading.unseen import SOLUTIONS

CELL_TIMEOUT = 120.0
NOTEBOOK_TIMEOUT = 900.0


def check_notebooks(
    notebooks: Sequence[Path] = (),
    week: int | None = None,
    junit: Path | None = None,
    json_path: Path | None = None,
    summary: Path | None = None,
    cell_timeout: float = CELL_TIMEOUT,
    notebook_timeout: float = NOTEBOOK_TIMEOUT,
    jobs: int = 1,
    strict: bool = False,
) -> int:
    """Run notebooks in fresh kernels, print a report, write those asked for; the exit code.

    `notebooks` are files or folders; without any, the chapters of `week`, or all chapters of the
    course around the working directory. `junit`, `json_path` and `summary` name files to write
    (`summary` is appended to, and defaults to the file that GITHUB_STEP_SUMMARY names).
    `cell_timeout` and `notebook_timeout` are in seconds; `jobs` notebooks run at once. With
    `strict`, right answers are judged again in a process in which their notebook has no part.

    Returns 0 where nothing is wrong (an exercise not attempted is not wrong), 1 where an exercise
    is wrong, raised, timed out or missing, or a cell failed, 2 where something could not run, and
    130 where Ctrl-C ended it; then the reports hold what was known. Notebooks are only read.
    """
    try:
        paths = select(notebooks, week)
        _check_limits(cell_timeout, notebook_timeout, jobs)
        _check_targets(junit, json_path, summary)
    except ValueError as error:
        print(f"course check: {error}", file=sys.stderr)
        return UNABLE
    notebook_timeout = max(notebook_timeout, cell_timeout)
    reports = _run_all(paths, cell_timeout, notebook_timeout, jobs, strict)
    print_report(reports)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in annotations(reports):
            print(line, flush=True)
    if summary is None and os.environ.get("GITHUB_STEP_SUMMARY"):
        summary = Path(os.environ["GITHUB_STEP_SUMMARY"])
    written = [
        _write(write, reports, path)
        for write, path in (
            (write_junit, junit),
            (write_json, json_path),
            (append_markdown, summary),
        )
        if path is not None
    ]
    return exit_code(reports) if all(written) else max(exit_code(reports), UNABLE)


def _check_limits(cell_timeout: float, notebook_timeout: float, jobs: int) -> None:
    for name, value in {"cell timeout": cell_timeout, "notebook timeout": notebook_timeout}.items():
        if not value > 0:
            raise ValueError(f"the {name} must be more than 0 seconds, and {value:g} was given")
    if jobs < 1:
        raise ValueError(f"at least 1 notebook must run at a time, and --jobs {jobs} was given")


def _check_targets(*targets: Path | None) -> None:
    """A report never takes a notebook's place, as in `course check --json chapters/01_b.ipynb`."""
    for target in targets:
        if target is not None and target.suffix == ".ipynb":
            raise ValueError(f"a report would overwrite the notebook {target}: name another file")


def _write(
    write: Callable[[Sequence[NotebookReport], Path], None],
    reports: Sequence[NotebookReport],
    path: Path,
) -> bool:
    try:
        write(reports, path)
    except OSError as error:
        print(f"course check: can't write {path}: {error.strerror or error}", file=sys.stderr)
        return False
    return True


def select(notebooks: Sequence[Path], week: int | None) -> list[Path]:
    """The notebooks that are meant, each once; raises `NothingToCheck`."""
    if notebooks and week is not None:
        raise NothingToCheck("name either notebooks or a week, not both")
    if notebooks:
        found = [path for given in notebooks for path in _in_folder(Path(given))]
        # Not `resolve`, which raises for links that go in a circle.
        return list({os.path.realpath(path): path for path in found}.values())
    chapters = find_chapters()
    paths = _with_lost(_in_folder(chapters))
    if week is None:
        return paths
    paths = [path for path in paths if _number(path) in _chapters_of(week)]
    if not paths:
        raise NothingToCheck(f"there is no chapter of week {week} in {chapters}")
    return paths


def _with_lost(paths: list[Path]) -> list[Path]:
    """The notebooks of the folder `chapters`, and the course's own that are gone from it."""
    folder, numbers = paths[0].parent, {_number(path) for path in paths}
    shipped = [folder / solution.name for solution in SOLUTIONS.glob("*.ipynb")]
    return sorted([*paths, *(path for path in shipped if _number(path) not in numbers)])


def _chapters_of(week: int) -> tuple[int, ...]:
    if week not in range(6):
        raise NothingToCheck(f"the course has weeks 1 to 5, and 0 for the start: not {week}")
    return (2 * week - 1, 2 * week) if week else (0,)


def _number(path: Path) -> int:
    return int(path.name[:2]) if path.name[:2].isdecimal() else -1


def _in_folder(path: Path) -> list[Path]:
    """The notebooks in a folder, without Jupyter's checkpoints; anything else as it is."""
    if not path.is_dir():
        return [path]
    return sorted(path.glob("*.ipynb")) or [path]


def _run_all(
    paths: Sequence[Path],
    cell_timeout: float,
    notebook_timeout: float,
    jobs: int,
    strict: bool = False,
) -> list[NotebookReport]:
    """Run the notebooks, `jobs` at a time, each in a thread so that Ctrl-C always gets through."""
    stop = threading.Event()

    def run(path: Path) -> NotebookReport:
        name = _name(path)
        if stop.is_set():
            return NotebookReport(path, name, interrupted=True)
        try:
            return run_notebook(path, name, cell_timeout, notebook_timeout, stop, show, strict)
        except Exception as error:  # one notebook must never take the others' report with it
            return NotebookReport(path, name, problem=f"{type(error).__name__}: {error}")

    with progress("Starting a kernel …") as show, ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = [pool.submit(run, path) for path in paths]
        try:
            _wait(futures)
        except KeyboardInterrupt:
            stop.set()
            _wait(futures)
    return [future.result() for future in futures]


def _wait(futures: list[Future[NotebookReport]]) -> None:
    while wait(futures, timeout=0.5).not_done:
        pass


def _name(path: Path) -> str:
    """The notebook as reports name it: relative to the working directory where it lies below."""
    try:
        return Path(os.path.realpath(path)).relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
