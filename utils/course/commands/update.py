"""`course update`: a newer release's chapters, with every answer kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def update(
    folder: Annotated[
        Path | None, typer.Argument(help="The folder of your chapters; without it, the course's.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", help="A branch as upstream/main, an address, a folder or a zip."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    chapters_only: Annotated[
        bool, typer.Option("--chapters-only", help="Leave all but the chapters as it is.")
    ] = False,
) -> None:
    """Bring in a newer release of the course, and keep every answer, note and cell of yours.

    \b
    course update --dry-run
    course update --from upstream/main
    course update --from course-main.zip

    Ends with 0, with 1 where a chapter was left alone, with 2 where nothing could be done.
    """
    from utils.course.building.place import NothingToCheck, find_chapters
    from utils.course.keeping_up import telling
    from utils.course.keeping_up.release import open_release
    from utils.course.keeping_up.update import LEFT, carry_out, make_plan

    try:
        folder = (folder or find_chapters()).absolute()
        if not folder.is_dir():
            raise NothingToCheck(f"there is no folder {folder}")
        whole = (folder.parent / "utils").is_dir()
        root = folder.parent if whole else folder
        plan = make_plan(open_release(source, root), folder, root, chapters_only or not whole)
        typer.echo(telling.told(plan))
        if not dry_run and not plan.is_empty:
            typer.echo(telling.finish(plan, carry_out(plan)))
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        _leave(f"{error.strerror or error}{where}. Nothing of yours is lost; run it again.")
    except ValueError as error:
        _leave(str(error))
    raise typer.Exit(1 if any(chapter.kind == LEFT for chapter in plan.chapters) else 0)


def _leave(message: str) -> None:
    typer.echo(f"course update: {message}", err=True)
    raise typer.Exit(2)
