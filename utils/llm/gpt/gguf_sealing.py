"""A checksum in a GGUF file of ours, which tells a bit that has flipped."""

from __future__ import annotations

import zlib
from pathlib import Path

__all__ = ["SEAL", "UNSEALED", "check_seal", "seal"]

SEAL, UNSEALED = "gpt_by_building.checksum", "crc32 00000000"
_START, _STEP = 1 << 16, 1 << 20  # the entry is the first, and files can be large


def seal(path: Path) -> None:
    """Put the checksum of a file where it has the entry SEAL, `UNSEALED`."""
    with path.open("r+b") as file:
        place = _place(file.read(_START))
        if place is not None:
            file.seek(place)
            file.write(_checksum(path, place).encode())


def check_seal(path: Path) -> None:
    """Raises ValueError for a file that was changed after it was sealed; others pass."""
    with path.open("rb") as file:
        start = file.read(_START)
    place = _place(start)
    if place is None:
        return
    if start[place : place + len(UNSEALED)] != _checksum(path, place).encode():
        raise ValueError(
            f"{path} is damaged: its checksum says that it was changed after it was written. Copy "
            "it again, or export the model anew."
        )


def _place(start: bytes) -> int | None:
    """Where the checksum stands: behind its name, the kind of the value and its length."""
    found = start.find(SEAL.encode())
    place = found + len(SEAL) + 4 + 8
    return None if found < 0 or place + len(UNSEALED) > len(start) else place


def _checksum(path: Path, place: int) -> str:
    """Of all bytes, but those of the checksum itself."""
    with path.open("rb") as file:
        found = zlib.crc32(file.read(place))
        file.seek(place + len(UNSEALED))
        while piece := file.read(_STEP):
            found = zlib.crc32(piece, found)
    return f"crc32 {found:08x}"
