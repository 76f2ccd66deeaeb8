"""How pytest runs the notebooks: strictly, each as it is stored, none that a learner changed."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parent
AUTHOR = os.environ.get("COURSE_AUTHOR") == "1"

STORE = "SUITE_STORE"  # names the folder of what one run has computed: see tests/helpers/once.py
INSTALL = f"""
import sys
sys.path.append({str(ROOT / "tests")!r})
from helpers import once
sys.path.pop()
once.install()
"""

#: What takes longest, longest first: a chapter, then its solution, which trains the same again.
CHAPTERS = ["11", "07", "04", "09", "10", "05", "06", "08", "02", "00", "03", "01"]
VARIANTS = "test_it_runs_whatever_is_solved"
ALTERNATIVES = "test_it_runs_on_every_alternative"  # by `make alternatives`: half an hour
LONG_FILES = ["test_exercises.py", "test_build.py", "test_assemble.py"]
LONG_FILES += ["test_check_notebooks.py", "test_attempt.py"]
#: Too long for one worker, and no test of it shares a fixture with another.
IN_PARTS = {"test_exercises.py", "test_build.py", "test_once.py"}


@pytest.fixture
def heard() -> Iterator[None]:
    """A hang-up is heard, also where a parent such as nohup has had it ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fresh", action="store_true", help="compute everything anew in every process"
    )
    parser.addoption(
        "--alternatives", action="store_true", help="run the chapters on every listed alternative"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that this run keeps things in, and let the notebooks' kernels use it."""
    main_thread = threading.current_thread() is threading.main_thread()
    if main_thread and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A script began the run in its background; tests press Ctrl-C, and their children hear it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "slow: trains or runs notebooks; not in `make quick`")
    if config.getoption("--fresh"):
        os.environ.pop(STORE, None)
    elif not hasattr(config, "workerinput"):  # not in a worker, which is told of it
        os.environ[STORE] = tempfile.mkdtemp(prefix="suite-")
        if main_thread:
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: it is cleared up
    if config.getoption("nbval", False) or config.getoption("nbval_lax", False):
        _prepare_kernels()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it, however the run has ended."""
    if not hasattr(config, "workerinput") and STORE in os.environ:
        shutil.rmtree(os.environ.pop(STORE), ignore_errors=True)


def _prepare_kernels() -> None:
    """Run cells with history, as a front end does: else a trailing `;` would not silence them."""
    from nbval.kernel import RunningKernel

    start = RunningKernel.__init__

    def execute_cell_input(
        self: RunningKernel, source: str, allow_stdin: bool | None = None
    ) -> str:
        return self.kc.execute(source, store_history=True, allow_stdin=allow_stdin)

    def started(self: RunningKernel, *args: object, **settings: object) -> None:
        start(self, *args, **settings)
        if STORE in os.environ:  # in a namespace of its own, and without a number
            install = f"exec({INSTALL!r}, {{}})"
            reply = self.kc.execute_interactive(
                install, silent=True, store_history=False, timeout=120, output_hook=lambda _: None
            )
            assert reply["content"]["status"] == "ok", reply["content"]["traceback"]

    RunningKernel.__init__ = started
    RunningKernel.execute_cell_input = execute_cell_input


class Scheduling(LoadFileScheduling):
    """A notebook is one worker's, and so is a file of tests; of variants, each chapter's.

    Of a file in parts each test is, with all that it is tried on: else a worker ends by waiting.
    """

    def _split_scope(self, nodeid: str) -> str:
        if VARIANTS in nodeid or ALTERNATIVES in nodeid:
            return nodeid
        file = super()._split_scope(nodeid)
        return nodeid.partition("[")[0] if Path(file).name in IN_PARTS else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling | None:
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def _turn(item: pytest.Item) -> tuple[int, int]:
    """When an item comes: the chapters, their solutions, the variants, long files, the rest."""
    number = item.path.name[:2]
    if VARIANTS in item.nodeid:
        number = item.nodeid.rpartition("[")[2][:2]
    place = CHAPTERS.index(number) if number in CHAPTERS else -1
    if item.path.suffix == ".ipynb":
        return int(item.path.parent.name == "solutions"), place
    if VARIANTS in item.nodeid:
        return 2, place
    name = item.path.name
    return 3, LONG_FILES.index(name) if name in LONG_FILES else len(LONG_FILES)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest; skip the chapters that hold a learner's work."""
    if not config.getoption("--alternatives"):
        items[:] = [item for item in items if ALTERNATIVES not in item.nodeid]
    items.sort(key=_turn)
    theirs = [i for i in items if i.path.suffix == ".ipynb" and i.path.parent == ROOT / "chapters"]
    if AUTHOR or not theirs:
        return
    import nbformat

    from utils.course.building.build import run_by_hand

    changed: dict[Path, bool] = {}
    for item in theirs:
        if item.path not in changed:
            changed[item.path] = run_by_hand(nbformat.read(item.path, as_version=4))
        if changed[item.path]:
            reason = "holds your own work; `course check` runs it"
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collectstart() -> None:
    """Until all is imported there is no garbage to look for."""
    gc.disable()


def pytest_collection_finish() -> None:
    """What is there now stays: nobody need look through it again and again."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before its kernel starts: a solution must solve every exercise, a chapter need not."""
    strict = item.path.suffix == ".ipynb" and item.path.parent.name == "solutions"
    os.environ["COURSE_STRICT"] = "1" if strict else "0"
    os.environ.pop("COURSE_REPORT", None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where a real model was missing that some tests compare with."""
    skipped = terminalreporter.stats.get("skipped", ())
    if any("smollm2" in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(
            "The real outputs were not compared: `course fetch smollm2` brings the real model."
        )
