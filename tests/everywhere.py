"""The suite's numbers on the processors and threads that other machines have.

    make everywhere      or: python tests/everywhere.py [--lines avx2 …] [--notebooks] [PATH …]

PyTorch, oneDNN and MKL each choose their kernels by the processor, and each can be told to take an
older one's. Every line of the table runs the tests that compute (or, with --notebooks, the
notebooks, compared with what is stored) under one such choice, on one thread and on two, and
names what failed. What a processor chooses by itself is its plain line. Where there is no choice,
as on ARM, the plain lines are all.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

ROOT = Path(__file__).resolve().parents[1]
COMPUTE = ("tests/llm", "tests/data", "tests/course/checking", "tests/course/exercises")
NOTEBOOKS = ("chapters", "solutions")
THREADS = (1, 2)
OURS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR", "OMP_NUM_THREADS")
ATEN = ("DEFAULT", "AVX2", "AVX512")  # as PyTorch names them, oldest first
ONEDNN = {"SSE41": "DEFAULT", "AVX2": "AVX2", "AVX512_CORE": "AVX512"}  # ALL is the plain line


class Line(NamedTuple):
    """One choice of kernels, as variables of the environment."""

    name: str
    variables: dict[str, str]


class Outcome(NamedTuple):
    """How many tests ran, which failed and with what words, and the seconds it took."""

    ran: int
    failed: dict[str, str]
    seconds: float


def lines(capability: str, x86: bool) -> list[Line]:
    """Every choice that a processor of this capability can make, the plain one first."""
    level = ATEN.index(capability) if capability in ATEN else -1
    choices = [{}]
    if level >= 0 and x86:  # what PyTorch calls DEFAULT elsewhere has no older kernels
        choices += [{"ATEN_CPU_CAPABILITY": name.lower()} for name in ATEN[:level]]
        choices += [
            {"ONEDNN_MAX_CPU_ISA": name}
            for name, needs in ONEDNN.items()
            if ATEN.index(needs) <= level
        ]
        choices += [{"MKL_CBWR": "COMPATIBLE"}]
        old = ("default", "SSE41", "COMPATIBLE")
        choices += [dict(zip(OURS, old, strict=False))]
    return [
        Line(f"{_named(choice)}, {n} thread{'s' * (n > 1)}", choice | {"OMP_NUM_THREADS": str(n)})
        for choice in choices
        for n in THREADS
    ]


def _named(choice: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in choice.items()) or "plain"


def run(line: Line, words: Sequence[str], jobs: int, report: Path) -> Outcome:
    """Run pytest under a line. A run that leaves no report counts as one failure."""
    report.unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider"]
    command += ["-n", str(jobs), "--dist", "loadfile", f"--junitxml={report}", *words]
    began = time.perf_counter()
    child = subprocess.run(
        command,
        cwd=ROOT,
        env=environment | line.variables | {"COURSE_AUTHOR": "1"},
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - began
    ran, failed = read(report) if report.is_file() else (0, {})
    if child.returncode and not failed:
        said = (child.stdout + child.stderr).strip().splitlines()
        failed = {"pytest": f"ended with {child.returncode}: {said[-1] if said else ''}"}
    return Outcome(ran, failed, seconds)


def read(report: Path) -> tuple[int, dict[str, str]]:
    """From JUnit's XML: how many tests ran, and the failed ones with their first line."""
    cases = list(ET.parse(report).iter("testcase"))
    failed = {}
    for case in cases:
        for fault in (*case.findall("failure"), *case.findall("error")):
            words = (fault.get("message") or fault.text or "").strip().splitlines()
            name = f"{case.get('classname')}::{case.get('name')}"
            failed[name] = words[0][:200] if words else ""
    skipped = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - skipped, failed


def table(outcomes: dict[str, Outcome]) -> str:
    width = max(map(len, outcomes))
    rows = [f"{'':{width}}  {'ran':>6} {'failed':>6} {'seconds':>7}"]
    for name, (ran, failed, seconds) in outcomes.items():
        rows.append(f"{name:{width}}  {ran:6,} {len(failed):6,} {seconds:7.0f}")
    return "\n".join(rows)


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make everywhere", description=__doc__.split("\n")[0])
    parser.add_argument("--lines", nargs="+", metavar="WORD", help="only lines with such a word")
    parser.add_argument("--list", action="store_true", help="print the lines, and stop")
    parser.add_argument("--notebooks", action="store_true", help="the notebooks, not the tests")
    parser.add_argument("--jobs", type=int, default=2, help="pytest's workers (2)")
    parser.add_argument("--only", metavar="EXPRESSION", help="pytest's -k")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="only these tests or notebooks")
    return parser.parse_args(argv)


def words_for_pytest(given: argparse.Namespace) -> list[str]:
    """The tests or notebooks to run, and how."""
    words = list(given.paths or (NOTEBOOKS if given.notebooks else COMPUTE))
    if given.notebooks:
        words += ["--nbval", "--nbval-cell-timeout=900"]
    return [*words, "-k", given.only] if given.only else words


def main(argv: Sequence[str] | None = None) -> int:
    """Run the lines one after another; returns 1 where any failed."""
    given = options(argv)
    capability, machine = torch.backends.cpu.get_cpu_capability(), platform.machine()
    x86 = machine.lower() in ("x86_64", "amd64")
    chosen = [
        line
        for line in lines(capability, x86)
        if not given.lines or any(word.lower() in line.name.lower() for word in given.lines)
    ]
    print(f"{machine}, {capability} to PyTorch; lines: {len(chosen)}", flush=True)
    if not x86:
        print("Older kernels can be chosen on x86 alone, so the plain lines are all there is here.")
    if given.list or not chosen:
        print("\n".join(line.name for line in chosen) or "no line has such a word")
        return 0 if chosen else 2
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory() as folder:
        for line in chosen:
            report = Path(folder, "report.xml")
            outcomes[line.name] = outcome = run(line, words_for_pytest(given), given.jobs, report)
            print(f"\n{line.name}: {outcome.ran:,} ran, {len(outcome.failed)} failed", flush=True)
            for name, words in outcome.failed.items():
                print(f"  {name}\n    {words}", flush=True)
    print(f"\n{table(outcomes)}")
    return 1 if any(outcome.failed for outcome in outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
