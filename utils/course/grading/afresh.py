"""`course check --strict`: right answers judged again, in a process without their notebook.

Of the notebook only an answer and what it needs goes there, as text: the imports, helpers and
values that its names mean. Nothing else that the notebook did can have a part in the verdict.
"""

from __future__ import annotations

import contextlib
import io
import json
import secrets
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from utils.course.assembling.extract import Piece, pieces, source_of
from utils.course.checking import reporting
from utils.course.grading.results import NotebookReport

SECONDS_TO_START, SECONDS_EACH = 60.0, 20.0
UNHEARD = "judged alone, it was given no verdict"


def judge_again(report: NotebookReport) -> None:
    """Judge the right answers of a notebook that ran once more, and correct the report."""
    right = [exercise for exercise in report.exercises if exercise.status == "right"]
    said = _verdicts(report.path, [exercise.id for exercise in right])
    for exercise in right:
        line = said.get(exercise.id, {"status": "not run", "diagnosis": UNHEARD})
        if line.get("changed"):
            line = {"status": "wrong", "diagnosis": f"it changed {line['changed']}"}
        if line["status"] != "right":
            exercise.status = line["status"]
            exercise.diagnosis = f"right in the notebook, and not alone: {line['diagnosis']}"


def _verdicts(notebook: Path, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    found, key = pieces([notebook]), secrets.token_hex(32)
    answers = [_answer(id_, found) for id_ in ids if id_ in found]
    if not answers:
        return {}
    try:
        child = subprocess.run(
            [sys.executable, "-m", __spec__.name],
            input=json.dumps({"key": key, "answers": answers}),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=SECONDS_TO_START + SECONDS_EACH * len(answers),
        )
        lines = child.stdout
    except subprocess.TimeoutExpired as late:
        lines = (late.stdout or b"").decode("utf-8", "replace")
    said = (reporting.read(line, key) for line in lines.splitlines())
    return {line["id"]: line for line in said if line is not None}


def _answer(id_: str, found: Mapping[str, Piece]) -> dict[str, str]:
    source, names = source_of([id_], found, found)
    return {"id": id_, "source": source, "name": names[id_]}


def _judged(answers: Iterable[Mapping[str, str]]) -> Iterator[dict[str, Any]]:
    from utils.course.checking.check import judge_sealed

    for answer in answers:
        namespace: dict[str, Any] = {"__name__": "answer"}
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                name = f"<answer {answer['id']}>"
                exec(compile(answer["source"], name, "exec", dont_inherit=True), namespace)
                line = judge_sealed(answer["id"], namespace[answer["name"]])
        except Exception as error:  # what stands around an answer may raise anything
            said = f"{type(error).__name__}: {error}"
            line = {"status": "raised", "diagnosis": f"what it needs raised {said}"}
        yield {"id": answer["id"], **line}


def main() -> None:
    """Read answers from standard input, and write a signed verdict for each."""
    given, out = json.load(sys.stdin), sys.stdout
    for line in _judged(given["answers"]):
        text = json.dumps(line)
        print(text, reporting.signature(given["key"], text), file=out, flush=True)


if __name__ == "__main__":
    main()
