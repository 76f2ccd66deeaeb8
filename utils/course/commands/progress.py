"""`course progress`: what is solved so far, without running anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def progress(
    folder: Annotated[
        Path | None, typer.Argument(help="The folder of the chapters; without it, the course's.")
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="One line, to post in the study group.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Run the notebooks too: see `course check`.")
    ] = False,
) -> None:
    """Show what is solved, chapter by chapter, and how many minutes are left.

    It reads what your notebooks said when you last ran and saved them, and runs nothing.
    """
    from utils.course.building.place import NothingToCheck, find_chapters
    from utils.course.grading import progress as reading

    try:
        chapters = reading.read_course(folder or find_chapters())
    except NothingToCheck as error:
        typer.echo(f"course progress: {error}", err=True)
        raise typer.Exit(2) from None
    if not chapters:
        typer.echo(f"course progress: there is no chapter in {folder}", err=True)
        raise typer.Exit(2)
    typer.echo(reading.markdown(chapters) if markdown else reading.table(chapters))
    if check:
        from utils.course.grading.check_notebooks import check_notebooks

        raise typer.Exit(check_notebooks([folder] if folder else []))
