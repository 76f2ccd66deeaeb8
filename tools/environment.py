"""Make `.venv`, finish it or rebuild it, and know in a moment that it is whole.

The stamp is written last, after every installed file was found in its place, and says what it was
written for: this folder, this Python, these pins. Without it an environment is not trusted.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tools.errors import SetupError
from tools.installed import discard_unsound, package_names
from tools.lock import only_one
from tools.pip import pip_install
from tools.place import STALE_VARIABLES, Place, child_environment, venv_version
from tools.pythons import supported_range, version_of

FREE_GB_FROM_NOTHING = 2.5  # the environment without CUDA takes 1.3, pip's downloads the rest
OPENED = "import torch, jupyterlab, ipywidgets, utils.course.cli"


def pins(root: Path) -> str:
    """A hash of what decides which packages are installed; other settings do not count."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        constraints = (root / "constraints.txt").read_text(encoding="utf-8")
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SetupError(f"cannot read the list of packages: {error}") from error
    parts = [project.get("build-system"), project.get("project"), constraints]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def read_stamp(place: Place) -> dict[str, object]:
    """What the stamp says; empty where there is none that can be read."""
    try:
        stamp = json.loads(place.stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(place: Place, extras: Sequence[str]) -> None:
    """Say that `.venv` is whole: the last act of a set-up."""
    stamp = {
        "home": str(place.venv.resolve()),
        "python": list(venv_version(place) or ()),
        "pins": pins(place.root),
        "extras": sorted(extras),
        "packages": sorted(package_names(place.site_packages())),
    }
    draft = place.stamp.with_suffix(".draft")
    draft.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    draft.replace(place.stamp)


def is_ready(place: Place, extras: Sequence[str], version: tuple[int, int] | None) -> bool:
    """True where the stamp vouches for these extras, here, and nothing it lists has gone since."""
    stamp = read_stamp(place)
    return (
        bool(stamp)
        and must_rebuild(place, version) is None
        and stamp.get("pins") == pins(place.root)
        and set(extras) <= set(stamp.get("extras", ()))
        and set(stamp.get("packages", ())) <= set(package_names(place.site_packages()))
    )


def must_rebuild(place: Place, version: tuple[int, int] | None) -> str | None:
    """Why `.venv` cannot be finished and has to be made anew; None where it can."""
    stamp, made_for = read_stamp(place), venv_version(place)
    low, high = supported_range()
    if made_for is None or not place.python.exists():
        return "it is not a whole environment"
    if not low <= made_for < high:
        return f"its Python {made_for[0]}.{made_for[1]} is not one the course supports"
    if version is not None and made_for != version:
        return f"it has Python {made_for[0]}.{made_for[1]} and you chose {version[0]}.{version[1]}"
    if stamp and stamp.get("home") != str(place.venv.resolve()):
        return "it was made in another folder"
    return None


def check_machine(root: Path) -> None:
    """Say what is missing before anything is begun. Raises SetupError."""
    missing = [m for m in ("venv", "ensurepip") if importlib.util.find_spec(m) is None]
    if missing:
        name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        raise SetupError(
            f"this Python ({sys.executable}) has no {missing[0]} module; on Debian or Ubuntu "
            f"sudo apt install {name}-venv, elsewhere install Python from python.org, "
            "and run this again."
        )
    free = shutil.disk_usage(root).free / 1e9
    if free < FREE_GB_FROM_NOTHING:
        raise SetupError(
            f"{free:.1f} GB are free on the disk of {root}, and the set-up needs "
            f"{FREE_GB_FROM_NOTHING} GB; make room and run this again."
        )


def remove_venv(place: Place) -> None:
    """Take `.venv` away, whatever it is."""
    try:
        if place.venv.is_symlink() or place.venv.is_file():
            place.venv.unlink()
        elif place.venv.exists():
            place.stamp.unlink(missing_ok=True)
            shutil.rmtree(place.venv)
    except OSError as error:
        raise SetupError(
            f"cannot remove {place.venv} ({error.strerror}); close JupyterLab and whatever else "
            "uses it, delete that folder, and run this again."
        ) from error


def create_venv(place: Place) -> None:
    """Make an empty environment with pip in it."""
    check_machine(place.root)
    base = getattr(sys, "_base_executable", None) or sys.executable
    made = subprocess.run(
        [base, "-m", "venv", str(place.venv)],
        env={k: v for k, v in os.environ.items() if k not in STALE_VARIABLES},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if made.returncode != 0:
        said = (made.stderr.strip() or made.stdout.strip() or "no reason given").splitlines()[-1]
        raise SetupError(f"{base} -m venv failed ({said}); see README.md, Troubleshooting.")


def runs(place: Place) -> bool:
    """True where the environment's Python starts and has pip."""
    if version_of([str(place.python)]) is None:
        return False
    asked = [str(place.python), "-m", "pip", "--version"]
    environment = child_environment(place)
    return subprocess.run(asked, env=environment, capture_output=True).returncode == 0


def ensure(place: Place, extras: Sequence[str], version: tuple[int, int] | None = None) -> None:
    """Have `.venv` whole, with these extras. Does nothing, fast, where it is.

    `version` is the Python that was asked for by name; None takes any supported one.
    Raises SetupError with one line that says what is wrong and what to do.
    """
    if is_ready(place, extras, version):
        return
    with only_one(place.root / ".venv.lock"):
        if is_ready(place, extras, version):  # another set-up has just done it
            return
        complete(place, extras, version)


def complete(place: Place, extras: Sequence[str], version: tuple[int, int] | None) -> None:
    """Finish the environment, or make it anew where finishing is not possible."""
    stamp = read_stamp(place)
    kept = stamp.get("extras", ()) if stamp.get("pins") == pins(place.root) else ()
    wanted = sorted({*extras, *kept})
    reason = must_rebuild(place, version)
    if reason is None and not runs(place):
        reason = "its Python or its pip does not start"
    if reason is not None:
        if place.venv.exists() or place.venv.is_symlink():
            print(f"setup: making .venv anew: {reason}.", flush=True)
        remove_venv(place)
        create_venv(place)
    place.stamp.unlink(missing_ok=True)
    discard_unsound(place.site_packages())
    environment = child_environment(place)
    pip_install(place.python, place.root, wanted, environment, place.log)
    if discard_unsound(place.site_packages()):
        raise SetupError("pip left packages with missing files; run this again to install them.")
    try_opening(place, environment)
    write_stamp(place, wanted)


def try_opening(place: Place, environment: dict[str, str]) -> None:
    """Import what the course stands on. Raises SetupError with the import's own last line."""
    tried = subprocess.run(
        [str(place.python), "-c", OPENED],
        env=environment,
        cwd=place.root,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if tried.returncode != 0:
        said = (tried.stderr.strip() or f"status {tried.returncode}").splitlines()[-1]
        raise SetupError(
            f"everything is installed, but does not start ({said}); "
            "see README.md, Troubleshooting, or delete .venv and run this again."
        )
