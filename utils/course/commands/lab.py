"""How JupyterLab is set for the course: what was answered and drawn is still there tomorrow."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from utils.llm.machine.files import replacing

SETTINGS: dict[str, dict[str, Any]] = {
    # Without it a notebook that is opened again shows "model not found" for every widget.
    "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}


def prepare(prefix: Path | None = None) -> None:
    """Set this environment's JupyterLab, where nobody set it otherwise, and its terminals' path.

    A setting that somebody made stays, and a folder that can't be written in is left as it is.
    """
    folder = Path(prefix or sys.prefix) / "share" / "jupyter" / "lab" / "settings"
    with contextlib.suppress(OSError):
        _write(folder / "overrides.json")
    # The environment need not be activated: in Lab's terminal `course` is found all the same.
    own, path = str(Path(sys.executable).parent), os.environ.get("PATH", "")
    if own not in path.split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join(filter(None, [own, path]))


def _write(path: Path) -> None:
    settings = _read(path)
    merged = settings | {name: said | settings.get(name, {}) for name, said in SETTINGS.items()}
    if merged == settings and path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(json.dumps(merged, indent=2).encode() + b"\n")


def _read(path: Path) -> dict[str, Any]:
    """What stands there; OSError for what is no table of settings, which is somebody else's."""
    if not path.exists():
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        said = None
    if not isinstance(said, dict) or not all(isinstance(said.get(n, {}), dict) for n in SETTINGS):
        raise OSError(f"{path} holds no settings of JupyterLab")
    return said
