"""`course serve`: the words of the command, and how it takes what goes wrong."""

from __future__ import annotations

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
) -> None:
    """Serve a model on this machine, for any client of OpenAI's API.

    Point the client at http://127.0.0.1:8000/v1, with any key. Ctrl-C ends it.
    """
    sock = listening(port)
    from utils.course.commands.opening import opened_or_leave

    opened = opened_or_leave(model)
    import uvicorn

    from utils.course.serving.server import make_app

    config = uvicorn.Config(
        make_app(opened), log_level="warning", lifespan="off", timeout_graceful_shutdown=2
    )
    address = f"http://127.0.0.1:{sock.getsockname()[1]}/v1"
    typer.echo(f"{opened.name} is served at {address} (Ctrl-C ends it)")
    uvicorn.Server(config).run(sockets=[sock])


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
