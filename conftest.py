"""How pytest runs the notebooks: strictly, each as it is stored, none that a learner changed."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parent
LONG = {"test_chapters.py"}
AUTHOR = os.environ.get("COURSE_AUTHOR") == "1"


def pytest_configure(config: pytest.Config) -> None:
    """Run cells with history, as a front end does: else a trailing `;` would not silence them."""
    from nbval.kernel import RunningKernel

    def execute_cell_input(
        self: RunningKernel, source: str, allow_stdin: bool | None = None
    ) -> str:
        return self.kc.execute(source, store_history=True, allow_stdin=allow_stdin)

    RunningKernel.execute_cell_input = execute_cell_input


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest; skip the chapters that hold a learner's work."""
    items.sort(key=lambda item: item.path.suffix != ".ipynb" and item.path.name not in LONG)
    if AUTHOR:
        return
    from utils.course.building.build import run_by_hand

    changed: dict[Path, bool] = {}
    for item in items:
        if item.path.suffix != ".ipynb" or item.path.parent != ROOT / "chapters":
            continue
        if item.path not in changed:
            changed[item.path] = run_by_hand(nbformat.read(item.path, as_version=4))
        if changed[item.path]:
            reason = "holds your own work; `course check` runs it"
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before its kernel starts: a solution must solve every exercise, a chapter need not."""
    strict = item.path.suffix == ".ipynb" and item.path.parent.name == "solutions"
    os.environ["COURSE_STRICT"] = "1" if strict else "0"
    os.environ.pop("COURSE_REPORT", None)
