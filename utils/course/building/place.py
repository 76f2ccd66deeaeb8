"""Where the chapters lie that a command means, and what a terminal shows while they run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

import utils

Progress = Callable[[str], None]


class NothingToCheck(ValueError):
    """No notebook answers to what was asked for; the message says what was looked for."""


def find_chapters() -> Path:
    """The folder `chapters` of the course around the working directory, or else of this package."""
    here = Path.cwd()
    for folder in (here, *here.parents, Path(utils.__file__).parent.parent):
        if (folder / "chapters").is_dir() and any((folder / "chapters").glob("*.ipynb")):
            return folder / "chapters"
    raise NothingToCheck(
        f"there is no folder chapters/ with notebooks in {here} or above it; "
        "go to the course's folder, or name the notebooks"
    )


@contextmanager
def progress(first: str) -> Iterator[Progress]:
    """Show on a terminal what is being done, `first` at first; say nothing where nobody watches."""
    console = Console(stderr=True)
    if not console.is_terminal or not sys.stderr.isatty():
        yield lambda _: None
        return
    with console.status(first) as status:
        yield lambda text: status.update(text.replace("[", r"\["))
