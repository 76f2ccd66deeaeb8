"""Run a chapter several times in one process, each time with other exercises answered.

    PYTHONPATH=tests python …/run_variants.py solutions/02_text_tokens_chances.py < variants.json

Reads a JSON list of variants (see `helpers.variants`); prints, as its last line, a JSON list of
{"failed": cell and error or null, "statuses": {id: status}}.

What no answer can change is done once: imports, long trainings, and work on whole corpora (see
`helpers.once`); figures are drawn but not turned into pixels. nbval runs the two stored variants in
full, each in a kernel. So within a run of the suite that keeps things, cells that no answer reaches
are left out (see `helpers.reach`), and trainings are short (see `helpers.shorter`).
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import tempfile
from itertools import repeat
from pathlib import Path
from typing import Any

import matplotlib
import torch
from helpers import once, shorter, variants
from helpers.reach import Reach
from helpers.variants import Variant
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from utils.course.building.source import Source, read_source
from utils.viz import picture


def run(
    source: Source, variant: Variant, reach: Reach, only: set[str] | None, report: Path
) -> dict[str, Any]:
    """Run the cells from top to bottom in a fresh namespace; what failed, and what was right."""
    report.write_text("", encoding="utf-8")
    torch.manual_seed(0)
    shell = InteractiveShell.instance()
    shell.reset(new_session=True)
    failed = None
    for id, text in variants.cells(source, variant):
        left_out = only is not None and id not in only
        watched = contextlib.nullcontext() if left_out else reach.watching(id, shell.user_ns)
        with capture_output(), watched:
            result = shell.run_cell(variants.seeds(text) if left_out else text)
        if not result.success:
            failed = f"{id}: {result.error_before_exec or result.error_in_exec!r}"
            break
    lines = map(json.loads, report.read_text(encoding="utf-8").splitlines())
    return {"failed": failed, "statuses": {line["id"]: line["status"] for line in lines}}


def main(path: str) -> None:
    matplotlib.use("agg")
    picture._render = lambda *args, **settings: b""
    picture.Picture._sharp = property(lambda drawn: drawn._plain)
    source = read_source(Path(path))
    whole = once.FOLDER not in os.environ
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault(once.FOLDER, folder)
        once.install()
        if not whole:
            shorter.install()
        gc.freeze()  # a fresh namespace is a collection: what was imported stays
        report = Path(folder) / "report.jsonl"
        os.environ["COURSE_REPORT"] = str(report)
        chosen = json.load(sys.stdin)
        reach = Reach(source)
        parts = repeat(None, len(chosen)) if whole else reach.parts(chosen)
        results = [
            run(source, variant, reach, part, report)
            for variant, part in zip(chosen, parts, strict=True)
        ]
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
