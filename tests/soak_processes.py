"""Start two processes that train together, again and again beside a load, and count what failed.

    python tests/soak_processes.py [--runs 300] [--beside 4] [--at-once 1] [--of 2]

The program is that of chapter 07's *Two processes*, as it stands in the source. Each run must end
well, with the losses that all the others print. Ends with 1 where one did not.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from utils.llm.training import launch

SOURCE = Path(__file__).resolve().parents[1] / "solutions" / "07_training.py"


def program_of(source: Path = SOURCE) -> str:
    """The program that the chapter hands to its processes."""
    found = re.search(r'^program = """\n(.*?)^"""', source.read_text("utf-8"), re.S | re.M)
    if found is None:
        raise SystemExit(f"{source} has no program any more")
    return found[1]


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that do nothing but compute, in this block."""
    endless = [sys.executable, "-c", "while True: pass"]
    children = [subprocess.Popen(endless) for _ in range(processes)]
    try:
        yield
    finally:
        for child in children:
            child.kill()
            child.wait()


def outcome(program: str, processes: int) -> str:
    """What one run printed, or how it failed."""
    try:
        return launch.together(program, processes, timeout=600).strip()
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return f"FAILED: {error}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--beside", type=int, default=4, help="processes that only compute")
    parser.add_argument("--at-once", type=int, default=1, help="runs that go on side by side")
    parser.add_argument("--of", type=int, default=2, help="processes of a run")
    options = parser.parse_args()
    program, began, seen = program_of(), time.monotonic(), Counter()
    with busy(options.beside), ThreadPoolExecutor(options.at_once) as pool:
        runs = [pool.submit(outcome, program, options.of) for _ in range(options.runs)]
        for done, run in enumerate(as_completed(runs), start=1):
            seen[run.result()] += 1
            if done % 10 == 0 or done == options.runs:
                load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "not known"
                failed = done - seen.most_common(1)[0][1]
                seconds = time.monotonic() - began
                print(f"{done} runs, {failed} failed, {seconds:.0f} s, load {load}", flush=True)
    for said, times in seen.most_common():
        print(f"{times} × {said}")
    return int(len(seen) > 1 or any(said.startswith("FAILED") for said in seen))


if __name__ == "__main__":
    sys.exit(main())
