"""Put the questions of chapter 11 to the real model, and keep what it says.

python -m utils.data.wild.make_log [part ...] [--out FILE]

It writes utils/data/logs/real_one.json, which chapter 11 draws. The model must be here
(`course fetch smollm2`). Some ten minutes on two quiet threads, most of them for the parts `ask`,
`vote` and `teach`; parts that are not asked for stay as they are.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from utils.data.texts.models import open_model
from utils.data.wild.parts import PARTS
from utils.data.wild.record import REAL
from utils.llm.gpt.checkpoints import SHIPPED

OUT = SHIPPED.parent / "logs" / "real_one.json"


def main() -> None:
    """Run the parts that are asked for, and write the record after each."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("parts", nargs="*", choices=[[], *PARTS], help="some of them; else all")
    options.add_argument("--out", type=Path, default=OUT)
    given = options.parse_args()
    record = {"command": "python -m utils.data.wild.make_log"}
    if given.out.is_file():
        record = json.loads(given.out.read_text(encoding="utf-8"))
    opened = open_model(REAL)
    for name in (part for part in PARTS if part in given.parts or not given.parts):
        start = time.perf_counter()
        record[name] = PARTS[name](opened)  # `teach` changes the model, and comes last
        given.out.write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
