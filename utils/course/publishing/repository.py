"""Where the course is published, as far as this copy knows, and the buttons that lead there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

_GITHUB = re.compile(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$")


def find_repository(root: Path) -> str | None:
    """`owner/name` on GitHub: from COURSE_REPOSITORY, GitHub's own variable, or the git remote."""
    for name in ("COURSE_REPOSITORY", "GITHUB_REPOSITORY"):
        if named := os.environ.get(name):
            return named
    try:
        asked = ["git", "-C", str(root), "remote", "get-url", "origin"]
        said = subprocess.run(asked, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _GITHUB.search(said)
    return found[1] if found else None


def buttons(repository: str | None, chapter: str) -> str:
    """Links that open a chapter where nothing has to be installed; '' where no address is known."""
    if repository is None:
        return ""
    path = f"chapters/{chapter}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/{path}"
    colab = f"https://colab.research.google.com/github/{repository}/blob/HEAD/{path}"
    github = f"https://github.com/{repository}/blob/HEAD/{path}"
    links = (("Binder", binder), ("Colab", colab), ("the notebook", github))
    named = " · ".join(f"[{name}]({address})" for name, address in links)
    return f"Open: {named}. (Colab first needs the cell that the README gives.)"
