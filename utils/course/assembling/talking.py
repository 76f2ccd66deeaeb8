"""A child process that gets one order and tells what it does, a line of JSON at a time."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["TOGETHER", "Silent", "messages"]

TOGETHER = "fit all"  # what the child begins when it tries all parts at once
START_PATIENCE = 120.0  # seconds until its first word
PATIENCE = 60.0  # between two of its words


class Silent(Exception):
    """The child said nothing for too long, and was ended."""


def messages(order: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What the child tells, until its end; it is ended where nobody listens any more.

    Raises `Silent` where it says nothing for `PATIENCE` seconds.
    """
    command = [sys.executable, "-m", "utils.course.assembling.child"]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read, args=(child, order, lines), daemon=True).start()
    patience = START_PATIENCE
    try:
        while line := lines.get(timeout=patience):
            message = _message(line)
            patience = PATIENCE
            if message:
                yield message
    except queue.Empty:
        raise Silent from None
    finally:
        child.kill()
        child.wait()


def _read(child: subprocess.Popen, order: Mapping[str, Any], lines: queue.Queue[bytes]) -> None:
    try:
        child.stdin.write(json.dumps(order).encode())
        child.stdin.close()
        for line in child.stdout:
            lines.put(line)
    except (OSError, ValueError):
        pass
    lines.put(b"")


def _message(line: bytes) -> dict[str, Any]:
    """A line from the child, empty where it is no message."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
