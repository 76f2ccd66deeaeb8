"""`course challenge`: as near to the floor as 3 · 10¹² operations bring a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def challenge(
    given: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            help="A Python file of settings, which is trained; or tables of others, to be shown.",
        ),
    ] = None,
    table: Annotated[Path, typer.Option(help="Where your own lines are kept.")] = Path(
        "runs/challenge.csv"
    ),
) -> None:
    """Train your settings on a counted budget, and see how near to the floor they come.

    \b
    course challenge my_config.py         trains, judges, and adds a line to the table
    course challenge                      shows the table, three entries of the course's beside it
    course challenge ada.csv ben.csv      shows everybody's lines in one
    """
    from utils.course.challenging.table import ranked, read_lines, worked

    try:
        files = list(given or ())
        recipes = [path for path in files if path.suffix == ".py"]
        if len(recipes) > 1:
            raise ValueError("give one file of settings at a time")
        others = [line for path in files if path not in recipes for line in read_lines(path)]
        if recipes:
            _train(recipes[0], table)
        own = read_lines(table) if table.exists() else []
        typer.echo("\n".join(ranked([*worked(), *others, *own])))
    except (ValueError, OSError) as error:
        from utils.course.commands.train import one_line

        typer.echo(f"course: {one_line(error)}", err=True)
        raise typer.Exit(2) from error


def _train(recipe: Path, table: Path) -> None:
    """Train the settings of a file and add their line; leaves with 130 where it was interrupted."""
    from utils.course.challenging.entry import read_entry
    from utils.course.challenging.judging import compete
    from utils.course.challenging.table import add_line, read_lines
    from utils.llm.training.callbacks import Progress

    entry = read_entry(recipe)
    if table.exists():
        read_lines(table)  # before minutes of training, not after them
    typer.echo(f"{entry.name}: {entry.training.steps:,} steps, {entry.operations:,} operations")
    line = compete(entry, [Progress(lines=10, bits=True)])
    if line is None:
        typer.echo("course: interrupted; nothing was added to the table.", err=True)
        raise typer.Exit(130)
    add_line(table, line)
    typer.echo(f"{line.bits:.4f} bits a word, {line.above:.1f} % above the floor; ", nl=False)
    typer.echo(f"{line.possible:.1f} % of its stories are possible. Added to {table}.\n")
