"""Which Pythons the course can use, and which one a command is. Python 3.6 can read this file."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASK = "import sys; print('%d.%d' % sys.version_info[:2])"


def supported_range() -> "tuple[tuple[int, int], tuple[int, int]]":
    """Lowest version allowed and first version not allowed, as `pyproject.toml` says."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', text)
    if found is None:
        raise ValueError('pyproject.toml: expected requires-python = ">=3.A,<3.B"')
    return (3, int(found.group(1))), (3, int(found.group(2)))


def version_of(command: "list[str]") -> "tuple[int, int] | None":
    """The version that a Python command answers with; None where it does not run."""
    try:
        answer = subprocess.run(
            [*command, "-c", ASK],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=20,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"(\d+)\.(\d+)\s*$", answer.stdout.decode("ascii", "replace"))
    return (int(found.group(1)), int(found.group(2))) if found else None
