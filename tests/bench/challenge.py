"""The course's own entries for the challenge of chapter 07, trained and judged.

    python tests/bench/challenge.py [--out FILE]

Writes the record (JSON) that `course challenge` and the chapter show beside a reader's own lines.
An entry that the record has is not trained again: delete it where it shall be.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from utils.course.challenging.entry import entry
from utils.course.challenging.judging import compete
from utils.llm.training.callbacks import Progress

OUT = Path(__file__).resolve().parents[2] / "utils" / "data" / "logs" / "challenge.json"
ENTRIES = [
    entry("as in the live run"),
    entry("smaller, longer", d_model=64, learning_rate=8e-3),
    entry("wider, shorter", d_model=160, learning_rate=3e-3),
]


def main() -> None:
    """Train one after the other, and write the record after each."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", type=Path, default=OUT)
    out = options.parse_args().out
    lines = json.loads(out.read_text(encoding="utf-8"))["entries"] if out.exists() else []
    for one in ENTRIES:
        if any(line["name"] == one.name for line in lines):
            continue
        print(f"{one.name}: {one.training.steps:,} steps", flush=True)
        line = compete(one, [Progress(lines=5, bits=True)])
        if line is None:
            break
        lines.append(asdict(line))
        record = {"command": "python tests/bench/challenge.py", "entries": lines}
        out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
