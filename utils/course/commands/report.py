"""`course report`: answers for the authors, shown whole before they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[
        Path | None, typer.Argument(help="The folder of your chapters; without it, the course's.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("my_report.json"),
    yes: Annotated[bool, typer.Option("--yes", help="Write it without asking.")] = False,
) -> None:
    """Write your answers and their verdicts to one file, which you may send to the authors.

    It holds exercise, verdict and code, no name and no path. All of it is shown before it is
    written, nothing is sent, and nothing is run. What people get wrong makes the checks better.
    """
    from utils.course.building.place import NothingToCheck, find_chapters
    from utils.course.keeping_up.sending import answers_in, as_text, check_free, write_report

    try:
        check_free(out)
        answers = answers_in(folder or find_chapters())
        if not answers:
            raise NothingToCheck("no exercise was judged yet in these notebooks, as they are saved")
        text = as_text(answers)
        typer.echo(text)
        right = sum(answer["verdict"] == "right" for answer in answers)
        typer.echo(
            f"This is all of it: {len(answers)} answers, {right} of them right, {len(text):,} "
            "bytes. It holds no comment, no path and no name but those you gave in your code."
        )
        if not yes and not _agreed(out):
            typer.echo("Nothing was written.")
            return
        write_report(text, out)
    except OSError as error:
        _leave(f"{error.strerror or error}: {error.filename or out}")
    except ValueError as error:
        _leave(str(error))
    typer.echo(f"{out} is written. Send it, if you like, in an issue of the course's repository.")


def _agreed(out: Path) -> bool:
    try:
        return typer.confirm(f"Write it to {out}?")
    except typer.Abort:  # nobody is there to answer
        typer.echo("")
        return False


def _leave(message: str) -> None:
    typer.echo(f"course report: {message}", err=True)
    raise typer.Exit(2)
