"""The process in which a learner's code is tried for `course assemble`: it may hang, or die.

It reads one JSON object, and writes a line of JSON before and after everything that may go wrong.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import IO, Any

import torch

from utils.course.assembling.assembled import (
    PARTS,
    AssembledGPT,
    Sampling,
    course_part,
    exercise,
    write,
)
from utils.course.assembling.extract import piece_from_json, source_of
from utils.course.checking.check import RIGHT, judge
from utils.course.checking.running import OutOfTime, time_limit
from utils.data.texts.models import TextModel, open_model

SECONDS = 20.0  # for running a part's own cells, and for one pass of the model


def main() -> None:
    """Judge every part by itself, then see which fit together."""
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout = sys.stderr  # what a learner's code prints is no message of ours
    order = json.load(sys.stdin)
    found = {id: piece_from_json(piece) for id, piece in order["pieces"].items()}
    verdicts: dict[str, list[str]] = order["verdicts"]
    for id in order["ids"]:
        if id not in verdicts:
            _tell(told, begin=id)
            right = [known for known, verdict in verdicts.items() if verdict[0] == RIGHT]
            verdicts[id] = _verdict(id, found, right)
            _tell(told, id=id, verdict=verdicts[id])
    opened = open_model(order["model"])
    for id in order["ids"]:
        if verdicts[id][0] != RIGHT or id not in PARTS or id in order["fits"]:
            continue
        _tell(told, begin=f"fit {id}")
        fault = _misfit(id, found, [*order["fits"], id], verdicts, opened)
        if not fault:
            order["fits"].append(id)
        _tell(told, fit=id, fault=fault)
    _tell(told, done=True)


def _tell(told: IO[str], **message: Any) -> None:
    told.write(json.dumps(message) + "\n")
    told.flush()


def functions(ids: list[str], found: Mapping[str, Any], right: list[str]) -> dict[str, Any]:
    """The learner's own functions, from running the program that they make together."""
    source, names = source_of(ids, found, right)
    space: dict[str, Any] = {"course_part": course_part, "__name__": "my_llm"}
    with time_limit(SECONDS):
        exec(compile(source, "my_llm.py", "exec"), space)
    return {id: space[names[id]] for id in ids}


def _verdict(id: str, found: Mapping[str, Any], right: list[str]) -> list[str]:
    try:
        answer = functions([id], found, [*right, id])[id]
    except (Exception, OutOfTime, SystemExit) as error:
        said = "took too long" if isinstance(error, OutOfTime) else _said(error)
        return ["raised", f"taken out of its notebook it fails: {said}"]
    verdict = judge(exercise(id), answer)
    return [verdict.status, verdict.diagnosis or ""]


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".split("\n")[0]


def _misfit(
    id: str,
    found: Mapping[str, Any],
    ids: list[str],
    verdicts: Mapping[str, list[str]],
    opened: TextModel,
) -> str:
    """Why a part does not fit in with those before it; empty where all is the same as without."""
    right = [known for known, verdict in verdicts.items() if verdict[0] == RIGHT]
    try:
        parts = functions(ids, found, right)
        with time_limit(SECONDS):
            same = _same(opened, parts)
    except (Exception, OutOfTime, SystemExit) as error:
        return "it takes too long" if isinstance(error, OutOfTime) else _said(error)
    return "" if same else "with it the model computes something else"


@torch.no_grad()
def _same(opened: TextModel, parts: Mapping[str, Any]) -> bool:
    """Whether the parts compute what the library computes, and write what the course's write."""
    model = AssembledGPT(opened.model, parts)
    sizes = (1, 7, min(40, opened.context_length))
    prompts = [torch.randint(opened.model.config.vocab_size, (1, size)) for size in sizes]
    for ids in prompts:
        expected = opened.model(ids)
        logits = model(ids)
        if logits.shape != expected.shape or not torch.allclose(
            logits, expected, rtol=1e-3, atol=1e-3
        ):
            return False
    for heat in (0.0, 0.8):
        ours, theirs = Sampling({}, heat), Sampling(parts, heat)
        rows = torch.randn(5, 50, generator=torch.Generator().manual_seed(0)) * 3
        if [ours(row) for row in rows] != [theirs(row) for row in rows]:
            return False
    return write(opened, parts, "", 3) == write(opened, {}, "", 3)


if __name__ == "__main__":
    main()
