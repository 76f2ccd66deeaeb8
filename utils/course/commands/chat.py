"""`course chat`: the words of the command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from utils.data.texts.writing import Settings

PLAIN = (1.0, 1.0)  # the chances that the model has learned, all of them
CHATTING = (0.2, 0.9)  # what the makers of SmolLM2 advise; at 1 a small model soon rambles
MOST_TOKENS = 1024  # of a chat model's answer: at times a small one repeats itself for ever


def drawn_by(
    temperature: float | None,
    top_p: float | None,
    *,
    framed: bool,
    max_tokens: int | None = None,
    **others: Any,
) -> Settings:
    """The settings asked for, and for what was not the usual ones of such a model.

    A model is `framed` where it brought a frame of conversation with it. Raises ValueError for a
    number that can't be.
    """
    from utils.data.texts.writing import Settings

    usual = CHATTING if framed else PLAIN
    heat, share = (
        default if given is None else given
        for given, default in zip((temperature, top_p), usual, strict=True)
    )
    most = MOST_TOKENS if framed and max_tokens is None else max_tokens
    return Settings(temperature=heat, top_p=share, max_tokens=most, **others)


def chat(
    model: Annotated[
        str, typer.Option(help="A model of the course, a folder, or a name on Hugging Face.")
    ] = "stories",
    temperature: Annotated[
        float | None,
        typer.Option(help="0 is always the likeliest token; else 1, or 0.2 for a chat model."),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(help="Chance that is drawn from, 0 to 1; else 1, or 0.9 for a chat model."),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Of an answer; else 1024 for a chat model, or what fits.")
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

    try:
        settings = drawn_by(temperature, top_p, framed=False, max_tokens=max_tokens, seed=seed)
    except ValueError as error:
        typer.echo(f"course: {error}", err=True)
        raise typer.Exit(2) from None
    opened = opened_or_leave(model, precision)
    if opened.marks is not None and opened.marks.template is not None:
        settings = drawn_by(temperature, top_p, framed=True, max_tokens=max_tokens, seed=seed)
    asked, rule = {"role": "user", "content": ""}, {"role": "system", "content": system}
    try:
        if system and opened.encode_chat([rule, asked]) == opened.encode_chat([asked]):
            typer.echo(f"course: {opened.name} reads no rules: --system changes nothing.", err=True)
    except ValueError as error:
        typer.echo(f"course: in --system: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(run(Conversation(opened, settings, system)))
