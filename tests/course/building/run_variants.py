"""Run a chapter several times in one process, each time with other exercises solved.

    PYTHONPATH=tests python …/run_variants.py solutions/02_text_tokens_chances.py < variants.json

Reads a JSON list of lists of exercise ids; prints, as its last line, a JSON list of
{"failed": cell and error or null, "statuses": {id: status}}.

What no answer can change is done once: imports, long trainings, and work on whole corpora (see
`helpers.once`); figures are drawn but not turned into pixels. nbval runs the two stored variants in
full, each in a kernel.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib
import torch
from helpers import once
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from utils.course.building.source import Source, read_source
from utils.viz import picture


def run(source: Source, solved: list[str], report: Path) -> dict[str, Any]:
    """Run the cells from top to bottom in a fresh namespace; what failed, and what was right."""
    report.write_text("", encoding="utf-8")
    torch.manual_seed(0)
    shell = InteractiveShell.instance()
    shell.reset(new_session=True)
    failed = None
    for cell in source.unsolved(set(solved)).cells:
        if cell.cell_type != "code":
            continue
        with capture_output():
            result = shell.run_cell(cell.source)
        if not result.success:
            failed = f"{cell.id}: {result.error_before_exec or result.error_in_exec!r}"
            break
    lines = map(json.loads, report.read_text(encoding="utf-8").splitlines())
    return {"failed": failed, "statuses": {line["id"]: line["status"] for line in lines}}


def main(path: str) -> None:
    matplotlib.use("agg")
    picture._render = lambda *args, **settings: b""
    source = read_source(Path(path))
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault(once.FOLDER, folder)
        once.install()
        report = Path(folder) / "report.jsonl"
        os.environ["COURSE_REPORT"] = str(report)
        results = [run(source, solved, report) for solved in json.load(sys.stdin)]
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
