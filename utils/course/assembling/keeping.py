"""Where the file of `course assemble` goes, and what becomes of the one that stood there."""

from __future__ import annotations

import itertools
import re
import zlib
from pathlib import Path

from utils.llm.machine.files import replacing

__all__ = ["check_place", "write_program"]

_MARK = re.compile(r"\n# Written by `course assemble` \(([0-9a-f]{8})\)\.\n\Z")


def check_place(path: Path) -> None:
    """Raises ValueError where no program should be written."""
    if path.suffix != ".py":
        raise ValueError(f"--out is {path}: give the name of a Python file, as my_llm.py.")
    if path.is_dir():
        raise ValueError(f"--out is {path}, a folder: give the name of a file in it.")


def write_program(path: Path, text: str) -> Path | None:
    """Write the program; what was changed by hand is moved beside, and its new place returned."""
    kept = None
    if path.is_file() and not _is_as_written(path):
        kept = next(
            place
            for i in itertools.count(1)
            if not (place := path.with_name(f"{path.stem}_{i}.py")).exists()
        )
        path.rename(kept)
    with replacing(path) as file:
        file.write(f"{text}\n# Written by `course assemble` ({_sum(text)}).\n".encode())
    return kept


def _is_as_written(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8")  # with \n, however its lines end
    except (OSError, ValueError):
        return False
    mark = _MARK.search(text)
    return mark is not None and mark[1] == _sum(text[: mark.start()])


def _sum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
