"""SmolLM2 writing on this machine: our forms beside transformers' and llama.cpp's, one text.

    python tests/bench/real_model.py [--rounds 5] [--tokens 128] [--threads 2] [--llama-cpp]

Needs the model (`course fetch smollm2`). All take turns in one run; medians count, and ratios are
medians of the ratios within a round. With --llama-cpp its Python package is built from source, once
and with this processor's vector instructions, in build/llama (some minutes), and takes part from
then on. Bits lost are against the file's own weights as float32, on the Python documentation.
Peak memory is that of `course chat` in a process of its own.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from utils.data.texts.corpora import load_corpus
from utils.data.texts.models import open_model
from utils.data.texts.real_models import kept_model
from utils.llm.gpt.model import GPT
from utils.llm.sampling.fast import with_bfloat16, with_int8
from utils.llm.sampling.loop import generate
from utils.llm.training.evaluation import evaluate

ROOT = Path(__file__).resolve().parents[2]
LLAMA = ROOT / "build" / "llama"
FLAGS = {"AVX2": "AVX2", "FMA": "FMA", "F16C": "F16C"}  # llama.cpp's name: the processor's
FLAGS |= {"AVX512": "AVX512F", "AVX512_VNNI": "AVX512_VNNI"}
PROMPT, READ = torch.arange(100, 116), torch.arange(100, 612)
THEIRS, LLAMA_CPP, OURS = "transformers, bfloat16", "llama.cpp, the same file", "ours, int4"
GOALS = {THEIRS: (4.0, 1.3), LLAMA_CPP: (1.0, None)}
Task = Callable[[], float]  # what it took, in seconds


def timed(action: Callable[[], object]) -> Task:
    def run() -> float:
        start = time.perf_counter()
        action()
        return time.perf_counter() - start

    return run


def transformers_model(model: GPT) -> nn.Module:
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        model.to_hf(folder)
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()


def write_by_transformers(model: nn.Module, ids: torch.Tensor, n: int) -> torch.Tensor:
    with torch.inference_mode():
        return model.generate(
            ids[None], attention_mask=torch.ones_like(ids)[None], max_new_tokens=n,
            do_sample=False, use_cache=True, pad_token_id=0, eos_token_id=None,
        )  # fmt: skip


def write(model: nn.Module, ids: torch.Tensor, n: int) -> list[int]:
    return [int(token) for token in generate(model, ids, n)]


def llama_python(build: bool) -> Path | None:
    """The Python that has llama.cpp: this one, or that of build/llama."""
    if subprocess.run([sys.executable, "-c", "import llama_cpp"], capture_output=True).returncode:
        own = LLAMA / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if build and not own.is_file():
            build_llama(own)
        return own if own.is_file() else None
    return Path(sys.executable)


def build_llama(python: Path) -> None:
    """llama.cpp with this processor's vectors, and without AMX: built natively it may crash."""
    venv.create(LLAMA, with_pip=True)
    known = Path("/proc/cpuinfo")
    has = set(known.read_text(encoding="utf-8").upper().split()) if known.is_file() else set()
    on = [f"-DGGML_{name}=ON" for name, flag in FLAGS.items() if flag in has]
    subprocess.run(
        [python, "-m", "pip", "install", "llama-cpp-python==0.3.36", "numpy"],
        env={**os.environ, "CMAKE_ARGS": " ".join(["-DGGML_NATIVE=OFF", *on])},
        check=True,
    )


class Llama:
    """llama.cpp in a process of its own."""

    def __init__(self, python: Path, path: Path, threads: int) -> None:
        script = [str(python), str(Path(__file__).with_name("_llama.py")), str(path), str(threads)]
        self._child = subprocess.Popen(
            script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._child.stdout.readline() == "ready\n"

    def ask(self, task: str, n: int) -> list[float]:
        self._child.stdin.write(f"{task} {n}\n")
        self._child.stdin.flush()
        return [float(word) for word in self._child.stdout.readline().split()]

    def close(self) -> None:
        self._child.stdin.close()
        self._child.wait()


def measure(tasks: dict[str, Task], rounds: int) -> dict[str, list[float]]:
    """Seconds, by name, a number for each round; before them each runs once to warm up."""
    found: dict[str, list[float]] = {name: [] for name in tasks}
    for round_number in range(rounds + 1):
        for name, task in tasks.items():
            seconds = task()
            if round_number:
                found[name].append(seconds)
    return found


def print_table(title: str, found: dict[str, list[float]], tokens: int, which: int) -> None:
    print(f"\n{title:<44}{'tokens/s':>10}{'spread':>14}{'ours × it':>11}{'goal':>7}")
    for name, seconds in found.items():
        rates = sorted(tokens / each for each in seconds)
        times = statistics.median(a / b for a, b in zip(seconds, found[OURS], strict=True))
        goal = GOALS.get(name, (None, None))[which]
        print(
            f"{name:<44}{statistics.median(rates):>10,.0f}"
            f"{f'{rates[0]:,.0f}–{rates[-1]:,.0f}':>14}{times:>11.2f}{goal or '':>7}"
        )


def print_bits(model: GPT, forms: dict[str, nn.Module], encoding, tokens: int) -> None:
    text = load_corpus("python-docs").val
    ids = torch.tensor(encoding.encode_ordinary(text[: 6 * tokens])[:tokens])
    exact = evaluate(model, ids, context_length=512) / math.log(2)
    print(f"\nbits per token on {len(ids):,} tokens of the Python documentation: {exact:.4f}")
    for name, form in forms.items():
        lost = evaluate(form, ids, context_length=512) / math.log(2) - exact
        print(f"{name:<44}{lost:>+10.4f}" + (" more (goal < 0.005)" if name == OURS else " more"))


def chat_memory() -> float:
    """The most memory that `course chat` held for one answer, in MB."""
    command = [sys.executable, "-m", "utils.course.cli", "chat", "--model", "smollm2"]
    subprocess.run(
        [*command, "--temperature", "0", "--max-tokens", "24"],
        input="What is the capital of France?\n", text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bits", type=int, default=4096, help="tokens that are read for the loss")
    parser.add_argument("--llama-cpp", action="store_true", help="build it where it is not")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    path = kept_model("smollm2")
    if path is None:
        print("SmolLM2 is not here (`course fetch smollm2` brings it): nothing is measured.")
        return
    if sys.platform != "win32":
        print(f"memory of course chat --model smollm2: {chat_memory():.0f} MB (goal < 600)")
    python = llama_python(options.llama_cpp)
    opened = open_model("smollm2")
    model, n = opened.model, options.tokens
    forms = {
        OURS: open_model("smollm2", precision="int4").model,
        "ours, int8": with_int8(model),
        "ours, bfloat16": with_bfloat16(model),
    }
    twin = transformers_model(model)
    tasks = {THEIRS: timed(lambda: write_by_transformers(twin, PROMPT, n))}
    reading = {THEIRS: timed(lambda: write_by_transformers(twin, READ, 1))}
    for name, form in forms.items():
        tasks[name] = timed(lambda form=form: write(form, PROMPT, n))
        reading[name] = timed(lambda form=form: write(form, READ, 1))
    if python is not None:
        peer = Llama(python, path, options.threads)
        tasks[LLAMA_CPP] = lambda: peer.ask("write", n)[0]
        reading[LLAMA_CPP] = lambda: peer.ask("read", len(READ))[0]
        alike = [
            a == b for a, b in zip(peer.ask("write", n)[1:], write(model, PROMPT, n), strict=False)
        ]
        print(f"llama.cpp writes what our float32 writes for {[*alike, False].index(False)} tokens")
    else:
        print("llama.cpp is not here: --llama-cpp builds it")
    print_table("writing", measure(tasks, options.rounds), n, 0)
    print_table("reading 512 tokens", measure(reading, options.rounds), len(READ), 1)
    if options.bits:
        print_bits(model, forms, opened.encoding, options.bits)
    if python is not None:
        peer.close()


if __name__ == "__main__":
    main()
