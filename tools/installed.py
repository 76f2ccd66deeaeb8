"""What pip has put into an environment, and whether it is all there."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path


def package_names(site_packages: Path) -> list[str]:
    """Names of the metadata folders, one for each installed package, version included."""
    return [p.name for p in site_packages.glob("*.dist-info")]


def is_sound(metadata: Path) -> bool:
    """True where every file that pip noted down is there with the size it had.

    pip writes the RECORD last, so a package cut off in the middle has none, or misses files.
    """
    try:
        with (metadata / "RECORD").open(encoding="utf-8", newline="") as record:
            rows = list(csv.reader(record))
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    for row in rows:
        if len(row) < 3 or not row[2].isdigit():
            continue
        try:
            size = (metadata.parent / row[0]).stat().st_size
        except OSError:
            return False
        if size != int(row[2]):
            return False
    return bool(rows)


def discard_unsound(site_packages: Path) -> list[str]:
    """Forget packages that are not whole, so that pip installs them again. Returns their names."""
    for remains in site_packages.glob("~*"):  # what an interrupted pip had moved out of the way
        shutil.rmtree(remains, ignore_errors=True)
    unsound = [m for m in site_packages.glob("*.dist-info") if not is_sound(m)]
    for metadata in unsound:
        shutil.rmtree(metadata)
    return sorted(m.name for m in unsound)
