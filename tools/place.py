"""Where the course lies, its `.venv`, and what runs in it is told."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

STALE_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")


@dataclass(frozen=True)
class Place:
    """Where the course lies, and the paths that follow from it."""

    root: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def scripts(self) -> Path:
        return self.venv / ("Scripts" if os.name == "nt" else "bin")

    @property
    def python(self) -> Path:
        return self.scripts / ("python.exe" if os.name == "nt" else "python")

    @property
    def stamp(self) -> Path:
        return self.venv / "course-stamp.json"

    @property
    def log(self) -> Path:
        return self.venv / "setup.log"

    def site_packages(self) -> Path:
        """Where pip puts packages; it may not exist yet."""
        if os.name == "nt":
            return self.venv / "Lib" / "site-packages"
        version = venv_version(self) or sys.version_info[:2]
        return self.venv / "lib" / f"python{version[0]}.{version[1]}" / "site-packages"


def child_environment(place: Place) -> dict[str, str]:
    """The environment variables for everything that runs in `.venv`.

    What would let another Python's packages in, or send ours elsewhere, is left out.
    """
    environment = {k: v for k, v in os.environ.items() if k not in STALE_VARIABLES}
    path = environment.get("PATH", os.defpath)
    environment.update(
        VIRTUAL_ENV=str(place.venv),
        PATH=f"{place.scripts}{os.pathsep}{path}",
        JUPYTER_PREFER_ENV_PATH="1",
        PIP_USER="0",
    )
    return environment


def venv_version(place: Place) -> tuple[int, int] | None:
    """The Python that `.venv` was made for, as its own file says; None where there is none."""
    try:
        text = (place.venv / "pyvenv.cfg").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", text, flags=re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else None
