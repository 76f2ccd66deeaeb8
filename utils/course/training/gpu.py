"""What `make gpu` measured on a graphics card, for the README and for chapter 07."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from utils.llm.machine.files import replacing

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "docs" / "gpu.json"
BEGIN, END = "<!-- made by make gpu -->", "<!-- end of what make gpu made -->"
NOT_YET = "Not measured on a graphics card yet; where there is one, `make gpu` takes six minutes."
Record = Mapping[str, Any]


def measurements(path: Path = FILE) -> Record | None:
    """What was measured; None where no card has been at hand."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def rows(record: Record) -> Iterator[tuple[str, str]]:
    """What was done, and how it went."""
    speeds = {"ours": "GPT-2 small, bfloat16, compiled", "plain": "the same by nanoGPT's recipe"}
    for name, words in speeds.items():
        yield words, _or_error(record["training"], lambda part, name=name: _speed(part[name]))
    for n, words in {"1": "it writes one text", "64": "it writes 64 texts at once"}.items():
        yield words, _or_error(record["writing"], lambda part, n=n: f"{part[n]:,.0f} tokens/s")
    yield "tests made for a card", _or_error(record["tests"], _counted)
    for name, part in record["chapters"].items():
        yield name, _or_error(part, lambda part: part["failed"] or f"{part['seconds']:.0f} s")


def _or_error(part: Record, words: Callable[[Record], str]) -> str:
    return f"not measured: {part['error']}" if "error" in part else words(part)


def _speed(found: Record) -> str:
    share = f"{found['share']:.0%} of the fastest matrix product"
    return f"{found['tokens_per_second']:,.0f} tokens/s, {share}"


def _counted(part: Record) -> str:
    skipped = f", {part['skipped']} skipped" if part["skipped"] else ""
    return f"{part['passed']} passed, {part['failed']} failed{skipped}"


def told(record: Record | None = None) -> str:
    """All of it in plain lines, as chapter 07 prints it."""
    record = record or measurements()
    if record is None:
        return NOT_YET
    lines = [f"{words}: {result}" for words, result in rows(record)]
    return "\n".join([f"on one {record['device']}", *lines])


def markdown(record: Record | None = None) -> str:
    """All of it as the README's table."""
    record = record or measurements()
    if record is None:
        return NOT_YET
    head = f"| on one {record['device']}, PyTorch {record['torch']} | |"
    return "\n".join([head, "|---|---|", *(f"| {a} | {b} |" for a, b in rows(record))])


def put_into_readme(record: Record | None = None, path: Path = ROOT / "README.md") -> None:
    """Set the table between its two marks. Raises ValueError where they are not there."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no place for the table: {BEGIN} and {END}.")
    text = f"{before}{BEGIN}\n\n{markdown(record)}\n\n{END}{after}"
    with replacing(path) as file:
        file.write(text.encode())
