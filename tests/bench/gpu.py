"""What a graphics card does with this course, in at most six minutes; writes docs/gpu.json.

    make gpu            or: python tests/bench/gpu.py [--minutes 6] [--out docs/gpu.json]
    python tests/bench/gpu.py --pretend        all of it, tiny, on the CPU; writes nothing by itself

GPT-2 small is trained in bfloat16, compiled, beside nanoGPT's recipe; both take turns, and the
share is of the fastest matrix product that is measured here. GPT-2 small writes, one text and 64.
Then come all tests marked `gpu`, and the chapters 06, 07 and 08 with one line changed.
Each part is a process of its own: one that fails or takes too long does not cost the others.
The README's table and the end of chapter 07 tell what the file holds (`make notebooks ARGS=07`).
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import jupytext
import nbformat.v4 as nbformat
import torch
from _plain_gpt import plain_step
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from training import our_step

from utils.course.training.gpu import FILE, put_into_readme, told
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.machine.files import replacing
from utils.llm.sampling.loop import Sampler, generate
from utils.llm.training.speed import matmul_peak, synchronise

ROOT = Path(__file__).resolve().parents[2]
SMALL = GPTConfig.preset("gpt2", vocab_size=50_304)  # a multiple of 64, as nanoGPT has it
TINY = GPTConfig(65, 16, 1, 1, 16)
EVERYWHERE = ("import torch", 'import torch; torch.set_default_device("{device}")')
ONE_LINE = {
    "06_a_whole_gpt": EVERYWHERE,
    "07_training": (
        'device = "cuda" if torch.cuda.is_available() else "cpu"',
        'device = "{device}"',
    ),
    "08_the_sampler": EVERYWHERE,
}
Part = dict[str, object]


def training(pretend: bool) -> Part:
    """Tokens per second of a step, ours and the plain one, a few steps in turn."""
    device = "cpu" if pretend else "cuda"
    config, batch, steps, rounds = (TINY, 2, 1, 2) if pretend else (SMALL, 32, 10, 5)
    peers = {
        "ours": our_step(config, batch, "bfloat16", device, not pretend),
        "plain": plain_step(config, batch, device, not pretend),
    }
    speeds: dict[str, list[float]] = {name: [] for name in peers}
    for turn in range(rounds + 1):
        for name, step in peers.items():
            began = time.perf_counter()
            for _ in range(steps):
                step()
            synchronise(torch.device(device))
            seconds = time.perf_counter() - began
            if turn:  # the first turn compiles and warms up
                speeds[name].append(steps * batch * config.context_length / seconds)
    peak = matmul_peak(device, torch.bfloat16, size=64 if pretend else None)
    work = 3 * GPT(config).flops_per_token()
    found: Part = {"peak_tflops": peak / 1e12, "batch": batch}
    for name, values in speeds.items():
        middle = statistics.median(values)
        found[name] = {"tokens_per_second": middle, "share": middle * work / peak}
    return found


def writing(pretend: bool) -> Part:
    """Tokens per second of GPT-2 small with its cache, by how many texts it writes at once."""
    device = "cpu" if pretend else "cuda"
    config, n = (TINY, 4) if pretend else (SMALL, 256)
    model = GPT(config).to(device, torch.bfloat16).eval()
    prompt, found = torch.arange(8, device=device), {}
    for texts in (1, 64):
        speeds = []
        for _ in range(4):
            began = time.perf_counter()
            written = list(generate(model, prompt, n, Sampler(), seed=0, n_samples=texts))
            synchronise(torch.device(device))
            speeds.append(len(written) * texts / (time.perf_counter() - began))
        found[str(texts)] = statistics.median(speeds[1:])  # the first one warms up
    return found


def tests(pretend: bool) -> Part:
    """How many of the tests marked `gpu` passed, failed and were skipped."""
    mark = "pytest.mark." + "gpu"
    marked = [
        p for p in sorted((ROOT / "tests").rglob("test_*.py")) if mark in p.read_text("utf-8")
    ]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        words = ["-q", "-m", "gpu", "-p", "no:cacheprovider", f"--junitxml={report}"]
        chosen = ["-k", "saved"] if pretend else []
        command = [sys.executable, "-m", "pytest", *words, *chosen, *map(str, marked)]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if not report.exists():
            raise SystemExit(f"pytest ended with {ran.returncode}: {ran.stdout[-500:]}")
        counts = ET.parse(report).getroot().find("testsuite").attrib
    failed = int(counts["failures"]) + int(counts["errors"])
    skipped = int(counts["skipped"])
    passed = int(counts["tests"]) - failed - skipped
    return {
        "passed": passed,
        "failed": failed,
        "skipped": skipped,
        "said": failed_tests(ran.stdout),
    }


def failed_tests(said: str) -> list[str]:
    """The lines of pytest's summary that name what failed."""
    return [line[:300] for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]


def chapter(name: str, pretend: bool) -> Part:
    """Seconds that a solved chapter takes, and the cell that failed, if one did.

    When pretending, only what it imports, and the changed line, are run.
    """
    old, new = ONE_LINE[name]
    new = new.format(device="cpu" if pretend else "cuda")
    notebook = jupytext.read(ROOT / "solutions" / f"{name}.py", fmt="py:percent")
    changed = next(cell for cell in notebook.cells if old in cell.source.splitlines())
    changed.source = "\n".join(new if line == old else line for line in changed.source.splitlines())
    if pretend:
        first = next(cell for cell in notebook.cells if cell.cell_type == "code")
        notebook.cells = [first, nbformat.new_code_cell(new)]
    began = time.perf_counter()
    failed = None
    try:
        NotebookClient(
            notebook, timeout=300, resources={"metadata": {"path": str(ROOT / "solutions")}}
        ).execute()
    except CellExecutionError as error:
        failed = f"{error.ename}: {error.evalue}"[:300]
    return {"seconds": time.perf_counter() - began, "failed": failed}


PARTS: dict[str, Callable[[bool], Part]] = {
    "training": training,
    "writing": writing,
    "tests": tests,
    **{f"chapter {name[:2]}": partial(chapter, name) for name in ONE_LINE},
}


def measured(name: str, pretend: bool, seconds: float) -> Part:
    """What a part found, in a process of its own; or its error, in one line."""
    command = [sys.executable, __file__, "--part", name, *(["--pretend"] if pretend else [])]
    if seconds <= 0:
        return {"error": "no time was left for it"}
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {seconds:.0f} s"}
    lines = ran.stdout.splitlines()
    if ran.returncode or not lines:
        last = (ran.stderr.strip().splitlines() or [f"it ended with {ran.returncode}"])[-1]
        return {"error": last[:300]}
    return json.loads(lines[-1])


def all_measured(pretend: bool, minutes: float) -> Part:
    """Every part: what is timed alone, then the chapters side by side."""
    until = time.monotonic() + 60 * minutes

    def one(name: str) -> Part:
        found = measured(name, pretend, until - time.monotonic())
        print(f"{name}: {json.dumps(found)}", flush=True)
        return found

    timed = [name for name in PARTS if not name.startswith("chapter")]
    record = {name: one(name) for name in timed}
    books = [name for name in PARTS if name not in timed]
    with ThreadPoolExecutor(len(books)) as pool:
        record["chapters"] = dict(zip(books, pool.map(one, books), strict=True))
    return record


def went_well(record: Part) -> bool:
    """Whether every part was measured, every test passed and every chapter ran through."""
    parts = [record["training"], record["writing"], record["tests"], *record["chapters"].values()]
    return not any(part.get("error") or part.get("failed") for part in parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--out", type=Path, help="the file to write")
    parser.add_argument("--pretend", action="store_true", help="tiny, on the CPU")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part](options.pretend)))
        return 0
    if not options.pretend and not torch.cuda.is_available():
        print("There is no NVIDIA card here; --pretend tries the script itself.", file=sys.stderr)
        return 1
    record: Part = {
        "device": "a pretence" if options.pretend else torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "date": datetime.date.today().isoformat(),
        **all_measured(options.pretend, options.minutes),
    }
    print(told(record))
    out = options.out or (None if options.pretend else FILE)
    if out:
        with replacing(out) as file:
            file.write((json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())
        if out.resolve() == FILE.resolve():
            put_into_readme(record)
    return 0 if went_well(record) else 1


if __name__ == "__main__":
    sys.exit(main())
