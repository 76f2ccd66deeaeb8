"""`course assemble`: the words of the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def assemble(
    chapters: Annotated[
        Path | None, typer.Argument(help="The folder of your notebooks; else chapters/.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("my_llm.py"),
    model: Annotated[
        str, typer.Option(help="Whose weights it uses: stories, smollm2, …")
    ] = "stories",
    prompt: Annotated[
        str | None, typer.Option(help="The first words of the text, or a question to a chat model.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed, the same text.")] = 0,
) -> None:
    """Build a language model from your own solved exercises, and let it write.

    Where an exercise is not solved, the course's answer takes its place; it says which are yours.
    """
    from utils.course.assembling.assemble import assemble as put_together

    try:
        put_together(chapters, out, model, prompt, seed)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        typer.echo(f"course: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(2) from None
