"""The table of a challenge: a line for each entry, in a CSV file that a group can put together."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """What an entry has come to.

    `bits` a held-out word, `above` the floor in percent, `possible` of a hundred stories that it
    wrote, `settings` what was chosen, as JSON.
    """

    name: str
    bits: float
    above: float
    possible: float
    parameters: int
    steps: int
    operations: int
    seconds: float
    settings: str


HEAD = [f.name for f in fields(Line)]
_KINDS = {"str": str, "float": float, "int": int}


def read_lines(path: Path) -> list[Line]:
    """The lines of a table; raises ValueError where it is none of a challenge."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != HEAD:
            raise ValueError(f"{path.name} is no table of a challenge: its head is not {HEAD}")
        try:
            return [Line(**{f.name: _KINDS[f.type](row[f.name]) for f in fields(Line)})
                    for row in rows]  # fmt: skip
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path.name}, line {rows.line_num}: {error}") from error


def add_line(path: Path, line: Line) -> None:
    """Write a line behind a table, which is made where there is none."""
    if path.exists():
        read_lines(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists() or not path.stat().st_size
    with path.open("a", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, HEAD)
        if fresh:
            rows.writeheader()
        rows.writerow(asdict(line))


def worked() -> list[Line]:
    """The course's own entries."""
    text = (files("utils.data") / "logs" / "challenge.json").read_text(encoding="utf-8")
    return [Line(**row) for row in json.loads(text)["entries"]]


def ranked(lines: Sequence[Line]) -> list[str]:
    """The table as text, the nearest to the floor first; equal lines are written once."""
    order = sorted(set(lines), key=lambda line: (line.bits, line.name))
    wide = max([len(line.name) for line in order], default=4)
    said = [f"{'name':{wide}}    bits  above the floor  possible  parameters  steps"]
    for line in order:
        said.append(
            f"{line.name:{wide}}  {line.bits:.4f}  {line.above:13.1f} %  {line.possible:6.1f} %"
            f"  {line.parameters:10,}  {line.steps:5,}"
        )
    return said
