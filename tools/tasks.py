"""The tasks of the Makefile: what each needs installed, and the command it runs."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.environment import ensure
from tools.errors import SetupError
from tools.place import Place, child_environment

ROOT = Path(__file__).resolve().parent.parent
COURSE = ("-m", "utils.course.cli")
FETCH_SECONDS = 180.0
#: Three also for two cores: while a test waits for a process or for a clock, the others compute.
PYTEST = ("-m", "pytest", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")


class Task(NamedTuple):
    """A set of extras, the arguments for Python, and a word on what it is for."""

    extras: tuple[str, ...]
    arguments: Callable[[], Sequence[str]]
    help: str


def pytest_arguments() -> list[str]:
    """The whole suite: unit tests, and nbval over both folders of notebooks.

    `NBVAL_MODE=lax` runs every cell but compares only those marked for it: for systems on which
    printed numbers are not known to repeat to the letter.
    """
    mode = os.environ.get("NBVAL_MODE", "strict")
    if mode not in ("strict", "lax"):
        raise SetupError(f"NBVAL_MODE is {mode!r}; it can be strict or lax.")
    nbval = "--nbval" if mode == "strict" else "--nbval-lax"
    return [
        *PYTEST,
        *(nbval, "--nbval-cell-timeout=300"),
        *(folder for folder in ("tests", "chapters", "solutions") if (ROOT / folder).is_dir()),
    ]


def quick_arguments() -> list[str]:
    """What one runs after each change: no notebooks, no trainings."""
    return [*PYTEST, "-m", "not slow", "tests"]


def browser_arguments() -> list[str]:
    """One JupyterLab and one browser, one chapter after the other."""
    return ["-m", "pytest", "tests/browser"]


def alternatives_arguments() -> list[str]:
    """Every chapter on every sound answer that its exercises list."""
    return [*PYTEST, "--alternatives", "-k", "on_every_alternative", "tests/course/building"]


def script(name: str, help: str) -> Task:
    """A task that runs a program of `tests/`."""
    return Task(("test",), lambda: (str(Path("tests", name)),), help)


TASKS = {
    "lab": Task((), lambda: (*COURSE, "lab"), "open the chapters in JupyterLab"),
    "test": Task(("test",), pytest_arguments, "check everything: the library and every notebook"),
    "quick": Task(("test",), quick_arguments, "check all but the notebooks and the trainings"),
    "notebooks": Task((), lambda: (*COURSE, "build"), "rebuild the notebooks from their sources"),
    "bench": Task(("test",), lambda: (*COURSE, "bench"), "measure the library's speed"),
    "soak": script("soak.py", "what takes long to prove: kills, flips, processes"),
    "everywhere": script("everywhere.py", "the numbers on other processors and threads"),
    "gpu": script("bench/gpu.py", "what a graphics card does: tests, speed, chapters"),
    "browser": Task(("test", "browser"), browser_arguments, "try every chapter in a browser"),
    "shots": Task(
        ("test", "browser"), lambda: ("tests/browser/shot.py",), "take the README's picture again"
    ),
    "mutants": script("mutants", "put wrong answers through every check"),
    "alternatives": Task(
        ("test",), alternatives_arguments, "run the chapters on every listed sound answer"
    ),
    "site": Task(
        ("site",), lambda: ("-m", "utils.course.publishing.site"), "make the site, EPUB and PDF"
    ),
    "guide": Task(
        ("site",), lambda: ("-m", "utils.course.publishing.guide"), "print the facilitator's guide"
    ),
    "course": Task((), lambda: COURSE, "run the command `course` with the words that follow"),
    "setup": Task((), tuple, "install what is needed, and stop"),
}


def bring_the_real_model(place: Place, environment: dict[str, str]) -> None:
    """Fetch the chat model that chapter 11 opens, where pip can; without it the suite runs too."""
    command = [str(place.python), *COURSE, "fetch", "smollm2", "--retries", "1"]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(command, env=environment, cwd=ROOT, timeout=FETCH_SECONDS)


def usage() -> str:
    """How to call this, one task a line."""
    lines = [f"  {name:<12} {task.help}" for name, task in TASKS.items()]
    return "\n".join(["usage: python3 setup_env.py TASK [words for the task]", *lines])


def hand_over(command: list[str], environment: dict[str, str]) -> int:
    """Become the command where the system can; else wait for it and pass its status on."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.chdir(ROOT)
        os.execve(command[0], command, environment)
    child = subprocess.Popen(command, env=environment, cwd=ROOT)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the child got it too, and decides
            continue


def run_task(argv: Sequence[str]) -> int:
    """Set up what the task needs, then run it. Returns the exit status."""
    name, *rest = argv or ["--help"]
    if name not in TASKS:
        asked = name in ("-h", "--help")
        print(usage(), file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    task, place = TASKS[name], Place(ROOT)
    explicit = bool(os.environ.get("PYTHON"))
    try:
        arguments = task.arguments()
        ensure(place, task.extras, version=sys.version_info[:2] if explicit else None)
        if not arguments:
            return 0
        environment = child_environment(place)
        if name == "test":
            bring_the_real_model(place, environment)
        if name in ("test", "quick", "alternatives"):
            environment["OMP_NUM_THREADS"] = "1"  # the workers would fight for the cores
            # Some two hundred processes would compile the course anew, each for itself.
            environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return hand_over([str(place.python), *arguments, *rest], environment)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsetup: stopped; the same command goes on where this one ended.", file=sys.stderr)
        return 130
