"""`course chat`: the words of the command."""

from __future__ import annotations

from typing import Annotated

import typer


def chat(
    model: Annotated[
        str, typer.Option(help="A model of the course, a folder, or a name on Hugging Face.")
    ] = "stories",
    temperature: Annotated[float, typer.Option(help="0 is always the likeliest token.")] = 1.0,
    top_p: Annotated[float, typer.Option(help="Chance that is drawn from, 0 to 1.")] = 1.0,
    max_tokens: Annotated[
        int | None, typer.Option(help="Of an answer; else as many as the model can read.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed, the same answers.")] = None,
    system: Annotated[str, typer.Option(help="A rule that stands before everything.")] = "",
    precision: Annotated[
        str, typer.Option(help="Of the weights: auto, int4, int8, bfloat16 or float32.")
    ] = "auto",
) -> None:
    """Talk with a model in the terminal. A model that was not taught to answer goes on writing.

    Lines can come through a pipe: echo "Mina had" | course chat
    """
    from utils.course.chatting.chat import run
    from utils.course.commands.opening import opened_or_leave
    from utils.data.texts.conversation import Conversation
    from utils.data.texts.writing import Settings

    try:
        settings = Settings(max_tokens, temperature, top_p, seed=seed)
    except ValueError as error:
        typer.echo(f"course: {error}", err=True)
        raise typer.Exit(2) from None
    opened = opened_or_leave(model, precision)
    asked, rule = {"role": "user", "content": ""}, {"role": "system", "content": system}
    try:
        if system and opened.encode_chat([rule, asked]) == opened.encode_chat([asked]):
            typer.echo(f"course: {opened.name} reads no rules: --system changes nothing.", err=True)
    except ValueError as error:
        typer.echo(f"course: in --system: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(run(Conversation(opened, settings, system)))
