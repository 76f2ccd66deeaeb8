"""`course group`: where a study group stands, on one page."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from utils.course.keeping_up.group import Learner


def group(
    forks: Annotated[
        list[str],
        typer.Argument(
            help="A folder with a copy for each learner, addresses, or a file of addresses."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("group.html"),
    names: Annotated[
        bool, typer.Option("--names", help="Name the learners, by their folder or address.")
    ] = False,
) -> None:
    """Read the copies of a study group, and write one page: who is where, and what stops people.

    It runs nothing. The page needs no network, and names nobody unless you ask.

    \b
    course group forks/
    course group https://github.com/ana/course https://github.com/ben/course
    course group addresses.txt --names
    """
    from utils.course.keeping_up.page import page, write_page

    try:
        learners = [learner for given in forks for learner in _read(given)]
        write_page(page(learners, names), out)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        _leave(f"{error.strerror or error}{where}")
    except ValueError as error:
        _leave(str(error))
    unread = sum(any(c.problem for c in learner.chapters) for learner in learners)
    empty = sum(not learner.chapters for learner in learners)
    said = [
        f"{len(learners)} read",
        *([f"{unread} with a chapter that can't be read"] * bool(unread)),
    ]
    said += [f"{empty} without a chapter"] * bool(empty)
    typer.echo(f"{out}: {', '.join(said)}")


def _read(given: str) -> list[Learner]:
    """The learners that one word of the command names."""
    from utils.course.keeping_up import git
    from utils.course.keeping_up.group import addresses, forks_in, owner, read_fork

    path = Path(given)
    if path.is_dir():
        return [read_fork(fork, fork.name) for fork in forks_in(path)]
    listed = addresses(path) if path.is_file() else {owner(given): given}
    learners = []
    for name, address in listed.items():
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            git.clone(address, Path(folder) / "fork")
            learners.append(read_fork(Path(folder) / "fork", name))
    return learners


def _leave(message: str) -> None:
    typer.echo(f"course group: {message}", err=True)
    raise typer.Exit(2)
