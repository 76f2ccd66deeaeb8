"""Opening the model that a command was asked for, or leaving with one line."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

import typer

from utils.data.texts.models import TextModel, open_model


def opened_or_leave(name: str, precision: str = "float32") -> TextModel:
    """The model; where it can't be opened, says why and ends the command with 2."""
    with leaving_with_one_line(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        opened = open_model(name, precision=precision)
    for warning in told:
        typer.echo(f"course: {warning.message}", err=True)
    return opened


@contextlib.contextmanager
def leaving_with_one_line() -> Iterator[None]:
    """Where something that a reader can mend goes wrong, says it and ends the command with 2."""
    try:
        yield
    except (OSError, ValueError, ImportError, MemoryError) as error:
        said = (
            "the memory of this machine is too small" if isinstance(error, MemoryError) else error
        )
        typer.echo(f"course: {' '.join(str(said).split())}", err=True)
        raise typer.Exit(2) from None
