"""Opening the model that a command was asked for, or leaving with one line."""

from __future__ import annotations

import typer

from utils.data.texts.models import TextModel, open_model


def opened_or_leave(name: str) -> TextModel:
    """The model; where it can't be opened, says why and ends the command with 2."""
    try:
        return open_model(name)
    except (OSError, ValueError, ImportError) as error:
        typer.echo(f"course: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(2) from None
