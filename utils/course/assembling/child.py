"""The process in which a learner's code is tried for `course assemble`: it may hang, or die.

It reads one JSON object, and writes a line of JSON before and after everything that may go wrong.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

from utils.course.assembling.assembled import prompt_ids, told, write
from utils.course.assembling.extract import piece_from_json, source_of
from utils.course.assembling.fitting import departure, departure_on
from utils.course.assembling.places import (
    CALLED_BY,
    PARTS,
    Answer,
    as_checked,
    course_part,
    exercise,
)
from utils.course.assembling.talking import TOGETHER
from utils.course.assembling.watching import Watch
from utils.course.checking.check import RIGHT, examine
from utils.course.checking.running import OutOfTime, time_limit
from utils.data.texts.models import TextModel, open_model

SECONDS = 20.0  # for running a part's own cells, and for one pass of the model
STORY_SECONDS = 240.0
GREEDY = 24  # tokens that are written without dice, so that 8.1 has its turn
Failed = (Exception, OutOfTime, SystemExit)


def main() -> None:
    """Try the parts, or write with them, as the order says."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout = sys.stderr  # what a learner's code prints is no message of ours
    carry_out(json.load(sys.stdin), partial(_tell, out))


def carry_out(order: dict[str, Any], tell: Any) -> None:
    """Do what the order says, and tell of it: `tell(**message)`."""
    order["found"] = {id: piece_from_json(piece) for id, piece in order["pieces"].items()}
    action = try_parts if "ids" in order else write_story
    action(order, tell)
    tell(done=True)


def _tell(out: IO[str], **message: Any) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


def functions(
    ids: list[str], order: Mapping[str, Any], right: list[str], watch: Watch | None = None
) -> dict[str, Answer]:
    """The learner's own functions, from running the program that they make together."""
    source, names = source_of(ids, order["found"], right, order["handed"])
    space: dict[str, Any] = {"__name__": "my_llm"}
    space |= {"course_part": course_part, "as_checked": as_checked}
    with time_limit(SECONDS):
        exec(compile(source, "my_llm.py", "exec", dont_inherit=True), space)
    if watch:
        watch.over_all(space, names)
    return {id: space[names[id]] for id in ids}


def said(error: BaseException) -> str:
    """An error in a line."""
    if isinstance(error, OutOfTime):
        return "it takes too long"
    return f"{type(error).__name__}: {error}".split("\n")[0]


def try_parts(order: dict[str, Any], tell: Any) -> None:
    """Judge every part by itself, then see which fit together."""
    verdicts, misfits = order["verdicts"], order["misfits"]
    for id in order["ids"]:
        if id not in verdicts:
            tell(begin=id)
            verdicts[id], fault = _verdict(id, order, _right(verdicts, misfits))
            tell(id=id, verdict=verdicts[id], handed=id in order["handed"])
            for each, why in fault.items():
                misfits[each] = why
                tell(fit=each, fault=why)
    opened = open_model(order["model"])
    if order["together"] and _fit_together(_left(order), order, opened, tell):
        return
    for id in _left(order):
        if id in misfits:  # by one that came in before it
            continue
        tell(begin=f"fit {id}")
        for each, fault in _faults(id, order, opened, tell).items():
            misfits[each] = fault
            tell(fit=each, fault=fault)
        if id not in misfits:
            order["fits"].append(id)
            tell(fit=id, fault="")
        order["fits"] = [each for each in order["fits"] if each not in misfits]


def _left(order: Mapping[str, Any]) -> list[str]:
    """The right parts with a place in the model of which it is not known whether they fit."""
    known = {*order["fits"], *order["misfits"]}
    right = _right(order["verdicts"], order["misfits"])
    return [id for id in order["ids"] if id in right and id in PARTS and id not in known]


def _fit_together(ids: list[str], order: Mapping[str, Any], opened: TextModel, tell: Any) -> bool:
    """Whether all of them fit at once, as they mostly do: else one after the other tells which."""
    tell(begin=TOGETHER)
    right = _right(order["verdicts"], order["misfits"])
    fit = not _misfit([*order["fits"], *ids], right, order, opened)
    for id in ids if fit else ():
        tell(fit=id, fault="")
    return fit


def _right(verdicts: Mapping[str, list[str]], misfits: Mapping[str, str]) -> list[str]:
    return [id for id, verdict in verdicts.items() if verdict[0] == RIGHT and id not in misfits]


def _verdict(
    id: str, order: Mapping[str, Any], right: list[str]
) -> tuple[list[str], dict[str, str]]:
    """The verdict on a part; and if it falls only by another one that it calls, which, and why."""
    verdict = _judged(id, order, right)
    called = {need.exercise for need in order["found"][id].needs}
    needs = [each for each in right if each in called]
    if verdict[0] == RIGHT or not needs or _judged(id, order, [])[0] != RIGHT:
        return verdict, {}
    why = f"with it, {id} {verdict[0]}: {verdict[1]}".split("\n")[0]
    rest = {need: [each for each in right if each != need] for need in needs}
    guilty = [need for need in needs if _judged(id, order, rest[need])[0] == RIGHT] or needs
    return [RIGHT, ""], dict.fromkeys(guilty, why)


def _judged(id: str, order: Mapping[str, Any], right: list[str]) -> list[str]:
    try:
        answer = functions([id], order, [*right, id])[id]
    except Failed as error:
        return ["raised", f"taken out of its notebook it fails: {said(error)}"]
    judged = examine(exercise(id), answer)
    if judged.verdict.status == RIGHT and judged.goes_on is not answer:
        order["handed"].append(id)
    return [judged.verdict.status, judged.verdict.diagnosis or ""]


def _faults(id: str, order: Mapping[str, Any], opened: TextModel, tell: Any) -> dict[str, str]:
    """The part that does not fit in now that `id` has come to those before it, and why.

    It is one before it where `id` by itself does well: that one had not had its turn until now.
    """
    right = _right(order["verdicts"], order["misfits"])
    fault = _misfit([*order["fits"], id], right, order, opened)
    if not fault or _misfit([id], [id], order, opened):
        return {id: fault} if fault else {}
    for other in order["fits"]:
        tell(begin=f"fit {id}")
        rest = [each for each in [*order["fits"], id] if each != other]
        if not _misfit(rest, [each for each in right if each != other], order, opened):
            return {other: fault}
    return {id: fault}


def _misfit(ids: list[str], right: list[str], order: Mapping[str, Any], opened: TextModel) -> str:
    """Why parts do not fit together; empty where all is the same as with the course's."""
    try:
        parts = functions(ids, order, right)
        with time_limit(SECONDS):
            return departure(opened, parts)
    except Failed as error:
        return said(error)


def write_story(order: dict[str, Any], tell: Any) -> None:
    """Write a text, and a few words without dice; tell of each token, and of whose fault it is."""
    opened = open_model(order["model"])
    watch = Watch(Path(order["trace"]))
    try:
        parts = functions(order["theirs"], order, order["right"], watch)
        with time_limit(STORY_SECONDS):
            texts = [_text(opened, parts, order, tell, seed=order["seed"])]
            if "8.1" in parts:
                texts.append(_text(opened, parts, order, tell, temperature=0.0, max_tokens=GREEDY))
    except Failed as error:
        part = watch.slowest() if isinstance(error, OutOfTime) else getattr(error, "part", None)
        tell(fault=_culprit(order, opened) or part, error=said(error))
        return
    tell(texts=texts, calls=dict(watch.calls))


def _text(
    opened: TextModel, parts: Mapping[str, Answer], order: dict[str, Any], tell: Any, **how: Any
) -> str:
    """The prompt and what follows it, each token told of as it is chosen."""
    ids = order["ids_so_far"] = prompt_ids(opened, {}, order["prompt"])

    def on_token(token: int) -> None:
        order["ids_so_far"] = [*order["ids_so_far"], token]
        tell(tokens=len(order["ids_so_far"]) - len(ids))

    written = write(opened, parts, order["prompt"], on_token=on_token, **how)
    return told(opened, order["prompt"], written)


def _culprit(order: Mapping[str, Any], opened: TextModel) -> str | None:
    """The part that fails on the text so far by itself, the course's around it."""
    theirs = order["theirs"]
    for id in sorted(theirs, key=CALLED_BY.__contains__):
        ids = [each for each in (id, CALLED_BY.get(id)) if each in theirs]
        try:
            parts = functions(ids, order, ids)
            with time_limit(SECONDS):
                if departure_on(opened, parts, order["ids_so_far"]):
                    return id
        except Failed:
            return id
    return None


if __name__ == "__main__":
    main()
