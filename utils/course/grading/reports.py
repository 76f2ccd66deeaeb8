"""The report on a learner's notebooks, four times: for a terminal, as JUnit, JSON and Markdown."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from utils.course.commands.terminal import survive
from utils.course.grading.results import (
    COULD_NOT_RUN,
    FAULTS,
    STATUSES,
    CellFailure,
    ExerciseResult,
    NotebookReport,
    clean,
    exit_code,
    tally,
    totals,
)

JSON_VERSION = 1
RUNS = "runs from top to bottom"
_MARKS = {"right": "✅"} | dict.fromkeys(FAULTS, "❌")
_COLOURS = {"right": "green"} | dict.fromkeys(FAULTS, "red")


def _mark(status: str) -> str:
    return _MARKS.get(status, "⬜")


def _headline(report: NotebookReport) -> str:
    """`02_text.ipynb · 31 cells · 12.3 s`, with what did not run."""
    if not report.cells:
        return report.name + (" · not run" if report.interrupted else "")
    run = f"{report.cells_run} of " if report.cells_run < report.cells else ""
    return f"{report.name} · {run}{report.cells} cells · {report.seconds:.1f} s"


def _followers(report: NotebookReport, failure: CellFailure) -> str:
    cells = [str(number) for number in report.followers(failure.cell)]
    if not cells:
        return ""
    listed = cells[0] if len(cells) == 1 else ", ".join(cells[:-1]) + f" and {cells[-1]}"
    return f"Because of it, cell{'s' * (len(cells) > 1)} {listed} failed too."


def _verdict(reports: Sequence[NotebookReport]) -> str:
    said = {
        0: "Nothing is wrong.",
        1: "Something is wrong.",
        2: "Something could not run.",
        130: "Interrupted: this is as far as it came.",
    }[exit_code(reports)]
    count = sum(len(report.warnings) for report in reports)
    return said + (f" {count} warning{'s' * (count > 1)}." if count else "")


def print_report(reports: Sequence[NotebookReport], file: TextIO | None = None) -> None:
    """Print the report for people: in colour on a terminal, as plain text anywhere else."""
    out = file or sys.stdout
    survive(out)  # a console that can't show ✅ still shows the word
    tty = out.isatty()
    console = Console(file=out, force_terminal=tty, no_color=None if tty else True, highlight=False)
    with console.capture() as capture:
        for report in reports:
            _print_notebook(console, report)
        _print_line(console, f"{totals(reports)}. {_verdict(reports)}", "bold")
    out.write("".join(line.rstrip() + "\n" for line in capture.get().splitlines()))
    out.flush()


def _print_line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style))


def _print_notebook(console: Console, report: NotebookReport) -> None:
    _print_line(console, _headline(report), "bold")
    faults = [clean(report.problem)] if report.problem else []
    for failure in report.first_failures():
        followers = _followers(report, failure)
        faults.append(f"{failure.place}: {failure.error}" + (f"\n{followers}" if followers else ""))
    grid = Table.grid(padding=(0, 2, 0, 0))
    for fault in faults:
        grid.add_row("❌", Text(fault, overflow="fold"))
    for warning in report.warnings:
        grid.add_row("", Text(f"Warning: {warning}", overflow="fold", style="yellow"))
    for rows in ([grid] if faults or report.warnings else []) + (
        [_table(report.exercises)] if report.exercises else []
    ):
        console.print(Padding(rows, (0, 0, 0, 2)))
    console.print()


def _table(exercises: Sequence[ExerciseResult]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(width=2)
    table.add_column(no_wrap=True)
    diagnoses = any(exercise.diagnosis for exercise in exercises)
    table.add_column(max_width=24 if diagnoses else None, overflow="fold")
    table.add_column(overflow="fold")
    for exercise in exercises:
        result = Text(exercise.status, style=_COLOURS.get(exercise.status, ""))
        if exercise.diagnosis:
            result.append(f": {exercise.diagnosis}", style="default")
        table.add_row(_mark(exercise.status), Text(exercise.id), Text(exercise.title), result)
    return table


def write_junit(reports: Sequence[NotebookReport], path: Path) -> None:
    """Write JUnit XML: a suite per notebook, a case per exercise and one for the whole run.

    Not attempted and not run are skipped; wrong, raised, timed out and missing are failures of
    that type;
    a notebook that could not run is an error of its last case. Warnings are its `system-err`.
    """
    root = ET.Element("testsuites", name="course check")
    for report in reports:
        _suite(root, report)
    for node in (root, *root):
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            node.set(name, str(len(node.findall(f".//{tag}"))))
        node.set("tests", str(len(node.findall(".//testcase"))))
    root.set("time", f"{sum(report.seconds for report in reports):.3f}")
    ET.indent(root)
    _ready(path).write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _suite(root: ET.Element, report: NotebookReport) -> None:
    name = clean(report.name)
    suite = ET.SubElement(root, "testsuite", name=name, time=f"{report.seconds:.3f}")
    classname = clean(Path(report.name).stem)
    for exercise in report.exercises:
        case = ET.SubElement(suite, "testcase", name=exercise.label, classname=classname)
        case.set("time", f"{exercise.seconds:.3f}")
        if exercise.status in FAULTS:
            _detail(case, "failure", exercise.status, exercise.diagnosis or exercise.status)
        elif exercise.status != "right":
            why = f": {exercise.diagnosis}" if exercise.diagnosis else ""
            ET.SubElement(case, "skipped", message=exercise.status + why)
    case = ET.SubElement(suite, "testcase", name=RUNS, classname=classname)
    case.set("time", f"{report.seconds:.3f}")
    worst_first = sorted(report.failures, key=lambda failure: failure.kind not in COULD_NOT_RUN)
    texts = [f"{failure.place}: {failure.error}" for failure in worst_first]
    if report.problem:
        _detail(case, "error", "could not run", "\n".join([clean(report.problem), *texts]))
    elif texts:
        kind = worst_first[0].kind
        _detail(case, "error" if kind in COULD_NOT_RUN else "failure", kind, "\n".join(texts))
    elif report.interrupted:
        ET.SubElement(case, "skipped", message="interrupted")
    if report.warnings:
        ET.SubElement(case, "system-err").text = "\n".join(f"Warning: {w}" for w in report.warnings)


def _detail(case: ET.Element, tag: str, kind: str, text: str) -> None:
    detail = ET.SubElement(case, tag, type=kind, message=text.splitlines()[0])
    detail.text = text


def _ready(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def as_json(reports: Sequence[NotebookReport]) -> dict[str, Any]:
    """The report as data, version 1.

    `version`: 1; fields may be added to a version, and none is taken away or renamed.
    `exit_code`: 0, 1, 2 or 130, as the command's. `totals`: how many exercises per status.
    `notebooks`: a list of
      `notebook` (path as given), `exit_code`, `seconds`, `cells`, `cells_run`, `interrupted`,
      `problem`: why it could not run to its end where no single cell is to blame, or null,
      `warnings`: a list of texts, of which exercises the answer was not seen, and why,
      `exercises`: a list of `id`, `title`, `status` ("right", "wrong", "raised", "timed out",
        "missing", "not attempted", "not run"), `diagnosis` or null, `seconds`, `cell` or null,
      `failures`: a list of `cell`, `line` or null, `heading`, `kind` ("raised", "timed out",
        "kernel died", "missing package"), `error` on one line, and `follows`, the number of an
        earlier failed cell that this failure follows from, or null.
    Cells are numbered from 1 as a fresh Run All numbers them: only code, and no empty cells.
    """
    notebooks = []
    for report in reports:
        entry = {key: value for key, value in asdict(report).items() if key not in {"path", "name"}}
        entry["problem"] = clean(report.problem) if report.problem else None
        entry["seconds"] = round(report.seconds, 3)
        entry["failures"] = [asdict(failure) for failure in report.failures]
        notebooks.append({"notebook": report.name, "exit_code": report.exit_code, **entry})
    return {
        "version": JSON_VERSION,
        "exit_code": exit_code(reports),
        "totals": {status: tally(reports)[status] for status in STATUSES},
        "notebooks": notebooks,
    }


def write_json(reports: Sequence[NotebookReport], path: Path) -> None:
    """Write `as_json` to a file."""
    text = json.dumps(as_json(reports), indent=2, ensure_ascii=True)
    _ready(path).write_text(text + "\n", encoding="utf-8")


def append_markdown(reports: Sequence[NotebookReport], path: Path) -> None:
    """Append the report to a Markdown file, such as the page of a CI job."""
    with _ready(path).open("a", encoding="utf-8") as file:
        file.write(markdown(reports))


def markdown(reports: Sequence[NotebookReport]) -> str:
    """The report in Markdown; whatever comes out of a notebook stands in code, or escaped."""
    lines = [f"## Course check: {totals(reports)}", "", _verdict(reports), ""]
    for report in reports:
        lines += _markdown_notebook(report)
    return "\n".join(lines) + "\n"


def _markdown_notebook(report: NotebookReport) -> list[str]:
    mark = {0: "✅", 130: "⬜"}.get(report.exit_code, "❌")
    lines = [f"### {mark} {_escape(_headline(report))}", ""]
    if report.problem:
        lines += _fence(clean(report.problem))
    for failure in report.first_failures():
        followers = _followers(report, failure)
        lines += [f"**{_escape(failure.place)}** failed. {followers}".rstrip(), ""]
        lines += _fence(failure.error)
    for warning in report.warnings:
        lines += [f"**Warning:** {_escape(warning)}", ""]
    if report.exercises:
        lines += ["| | Exercise | Result |", "|---|---|---|"]
    for e in report.exercises:
        why = f": {_escape(e.diagnosis)}" if e.status == "not run" and e.diagnosis else ""
        lines.append(f"| {_mark(e.status)} | {_escape(e.label)} | {e.status}{why} |")
    lines.append("")
    for exercise in report.exercises:
        if exercise.status in FAULTS and exercise.diagnosis:
            lines += [f"**{_escape(exercise.label)}**: {exercise.status}", ""]
            lines += _fence(exercise.diagnosis)
    return lines


def annotations(reports: Sequence[NotebookReport]) -> list[str]:
    """The warnings as lines that GitHub's CI shows beside the notebook and on the job's page."""
    escapes = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
    lines = []
    for report in reports:
        for text in report.warnings:
            name = report.name
            for plain, code in escapes:
                name, text = name.replace(plain, code), text.replace(plain, code)
            name = name.replace(":", "%3A").replace(",", "%2C")
            lines.append(f"::warning file={name}::{text}")
    return lines


def _fence(text: str) -> list[str]:
    """The text as it is, in a fence longer than any that it holds."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", text, fence, ""]


def _escape(text: str) -> str:
    """Text that Markdown leaves alone, on one line, in a table too."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", text)
