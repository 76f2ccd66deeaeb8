"""One set-up at a time: a lock that the system lets go of when its holder dies."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tools.errors import SetupError


def taken(file: IO[bytes]) -> bool:
    """Take the lock; False where another process holds it."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def only_one(path: Path, pause: float = 0.5) -> Iterator[None]:
    """Hold the lock at `path`; wait for whoever holds it now."""
    try:
        file = path.open("a+b")
    except OSError as error:
        raise SetupError(
            f"cannot write into {path.parent} ({error.strerror}); copy the course to a folder "
            "of your own and run this again."
        ) from error
    with file:
        said = False
        while not taken(file):
            if not said:
                print("setup: another set-up is at work here; waiting for it.", flush=True)
                said = True
            time.sleep(pause)
        yield
