"""Kill a training at random moments, resume it, and compare the weights to the bit.

    make soak            or: python tests/soak_resume.py [--kills 50] [--seed 0]

One run goes through undisturbed. Then run after run is killed with SIGKILL at a random moment,
while it reads, steps, evaluates or writes, and resumed until it is done; its weights must be those
of the first, and no half-written file may lie under a name that counts.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from utils.llm.training.snapshots import load_snapshot

ROOT = Path(__file__).resolve().parents[1]
# Small, with dropout, and a snapshot at every other step: much of its time goes into writing.
WORDS = (
    "train --preset story-tiny --stories 300 --steps 40 --batch-size 4 --context 32 --dropout 0.1 "
    "--snapshot-every 2 --evaluate-every 20 --precision float32 --device cpu --resume"
)


def start(folder: Path, words: str = WORDS) -> subprocess.Popen[bytes]:
    """The training as a process of its own, on one thread."""
    command = [sys.executable, "-m", "utils.course.cli", *words.split(), "--out", str(folder)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(child: subprocess.Popen[bytes]) -> None:
    """Wait for the end. Raises SystemExit with what the training said where it failed."""
    _, said = child.communicate()
    if child.returncode != 0:
        raise SystemExit(f"the training ended with {child.returncode}: {said.decode()}")


def fingerprint(folder: Path) -> str:
    """Of the weights, every bit of them."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def killed(folder: Path, seconds: float) -> bool:
    """Start or resume, and kill after so many seconds; False where it was done before."""
    child = start(folder)
    try:
        _, said = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        if (folder / "snapshot.pt").exists():
            load_snapshot(folder / "snapshot.pt")  # whole, or this raises
        return True
    if child.returncode != 0:
        raise SystemExit(f"it could not resume: {said.decode()}")
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dice, place = random.Random(options.seed), Path(tempfile.mkdtemp(prefix="soak-"))
    began = time.perf_counter()
    finish(start(place / "straight"))
    whole = time.perf_counter() - began
    expected = fingerprint(place / "straight")
    print(f"undisturbed: {whole:.1f} s, weights {expected[:12]}", flush=True)
    kills = runs = 0
    while kills < options.kills:
        runs += 1
        folder = place / f"run-{runs}"
        while kills < options.kills and killed(folder, dice.uniform(0.1, 1.0) * whole):
            kills += 1
        finish(start(folder))
        if fingerprint(folder) != expected:
            raise SystemExit(f"run {runs} reached other weights after {kills} kills: see {folder}")
        print(f"run {runs}: the same weights, {kills} kills so far", flush=True)
        shutil.rmtree(folder)
    shutil.rmtree(place)
    print(f"{kills} kills in {runs} runs: every one resumed to the same weights, bit for bit")


if __name__ == "__main__":
    main()
