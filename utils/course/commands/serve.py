"""`course serve`: the words of the command, and how it takes what goes wrong."""

from __future__ import annotations

import re
import socket
from typing import Annotated

import typer


def serve(
    model: Annotated[
        str, typer.Option(help="A model of the course, a folder, or a name on Hugging Face.")
    ] = "stories",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of this machine; 0 is any that is free.")
    ] = 8000,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="A page that may call it from a browser, as http://localhost:3000."),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="Of the weights: auto, int4, int8, bfloat16 or float32.")
    ] = "auto",
) -> None:
    """Serve a model on this machine: a page to chat in, and any client of OpenAI's API.

    Open http://127.0.0.1:8000 in a browser, or point a client at http://127.0.0.1:8000/v1, with
    any key. Ctrl-C ends it.
    """
    _check_origins(allow_origin or [])
    sock = listening(port)
    from utils.course.commands.opening import opened_or_leave

    opened = opened_or_leave(model, precision)
    from utils.course.serving.doors import Server
    from utils.course.serving.server import make_app

    sock.listen()  # whoever reads the address can use it at once
    address = f"http://127.0.0.1:{sock.getsockname()[1]}"
    typer.echo(f"{opened.title} is served at {address}/v1 (Ctrl-C ends it); chat at {address}")
    Server(make_app(opened, allow_origin or ())).run(sockets=[sock])


def _check_origins(origins: list[str]) -> None:
    for origin in origins:
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/*]+", origin):
            typer.echo(
                f"course: {origin!r} is no origin: give scheme, host and port of one site, as "
                "http://localhost:3000.",
                err=True,
            )
            raise typer.Exit(2)


def listening(port: int) -> socket.socket:
    """A socket at that port, for this machine only. Leaves with one line where it is taken."""
    sock = socket.socket()
    # Windows would share the port with another server; elsewhere it frees one just left.
    exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
    sock.setsockopt(socket.SOL_SOCKET, exclusive or socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
    except OSError as error:
        sock.close()
        typer.echo(
            f"course: port {port} can't be had ({error.strerror}): choose another with --port, or "
            "0 for any that is free.",
            err=True,
        )
        raise typer.Exit(2) from None
    return sock
