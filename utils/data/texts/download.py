"""Fetching a file once: over https, checked by its SHA-256, never half written.

The cache folder is the system's usual one for the user; `COURSE_CACHE` names another.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from utils.llm.machine.files import replacing

__all__ = ["DownloadError", "cache_folder", "fetch"]

_PAUSE = 20.0  # seconds without a byte
_WHOLE = 120.0  # seconds for everything
_LARGEST = 200_000_000
_CHUNK = 1 << 16


class DownloadError(OSError):
    """A file that could not be had: says why, and how to put it in place by hand."""


def cache_folder() -> Path:
    """Where downloads are kept: `COURSE_CACHE`, or the user's cache folder of this system."""
    if chosen := os.environ.get("COURSE_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gpt-by-building"


def fetch(url: str, file_name: str, sha256: str) -> Path:
    """The path of the file in the cache; downloads it first where it is not there yet.

    Raises DownloadError (an OSError) when it can't be had or is not what was expected.
    """
    path = cache_folder() / file_name
    if path.exists():
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != sha256:
            raise DownloadError(
                f"{path} is not the file that the course expects: its SHA-256 is {found}, "
                f"expected {sha256}. Delete it and run this again, or put the right one there "
                f"({url})."
            )
        return path
    data = _download(url, path)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise DownloadError(
            f"{url} sent {len(data):,} bytes with the SHA-256 {found}, expected {sha256}; nothing "
            "was kept. Try again; where the network has a login page, log in first. "
            f"{_by_hand(url, path)}"
        )
    _write(path, data)
    return path


def _by_hand(url: str, path: Path) -> str:
    return f"By hand: save {url} as {path}."


def _download(url: str, path: Path) -> bytes:
    deadline = time.monotonic() + _WHOLE
    data = bytearray()
    try:
        with urllib.request.urlopen(url, timeout=_PAUSE) as response:
            expected = response.headers.get("Content-Length")
            while chunk := response.read(_CHUNK):
                data += chunk
                if time.monotonic() > deadline:
                    raise TimeoutError(f"not done after {_WHOLE:.0f} s")
                if len(data) > _LARGEST:
                    raise OSError(f"more than {_LARGEST:,} bytes")
        if expected is not None and len(data) != int(expected):
            raise OSError(f"the connection was cut after {len(data):,} of {expected} bytes")
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise DownloadError(
            f"{url} could not be downloaded: {reason}. Without a network, take another corpus "
            f'("stories" and "python-docs" need none), or fetch the file elsewhere. '
            f"{_by_hand(url, path)}"
        ) from error
    return bytes(data)


def _write(path: Path, data: bytes) -> None:
    """Keep it, so that nobody ever sees half a file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(data)
    except (OSError, ValueError) as error:
        raise DownloadError(
            f"{path} can't be written: {getattr(error, 'strerror', None) or error}. "
            "Set COURSE_CACHE to a folder that you may write to."
        ) from error
