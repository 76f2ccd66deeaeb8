"""Training steps per second, beside Hugging Face's GPT-2 with sdpa, at equal shapes.

    python tests/bench/training.py [--rounds 15] [--only small] [--threads 2]

A step is forward, backward, clipping and AdamW. Ours is what `utils.llm.training.train` does, all
of it; theirs the plain loop. The peers take turns, step by step, so that a busy moment strikes all;
given are medians, with the quartiles. The share is of the fastest matrix product of this machine in
the same precision. What a graphics card does, `make gpu` measures.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.machine.precision import choose_precision
from utils.llm.training.loop import TrainConfig
from utils.llm.training.loop import _Loop as Loop
from utils.llm.training.speed import matmul_peak, synchronise
from utils.viz import style
from utils.viz.picture import Picture, picture

ROOT = Path(__file__).resolve().parents[2]
SIZES = {
    "small": (GPTConfig(65, 64, 4, 4, 128), 12),
    "medium": (GPTConfig(1024, 256, 6, 6, 384), 16),
}
GOALS = {"small": (1.20, 2.3), "medium": (1.08, 3.2)}
THEIRS = "Hugging Face, float32"
Step = Callable[[], None]
Result = dict[str, dict[str, float]]


def our_step(config: GPTConfig, batch: int, precision: str, device: str, compiled: bool) -> Step:
    """One step of `train` after the other."""
    torch.manual_seed(0)
    ids = torch.randint(0, config.vocab_size, (100_000,))
    settings = TrainConfig(
        steps=10**6, batch_size=batch, precision=precision, compile=compiled, evaluate_every=0
    )
    loop = Loop(GPT(config).to(device), ids, None, settings, (), None, "")
    loop.model.train()

    def step() -> None:
        with torch.random.fork_rng([]):
            loop._one_step(False)
        synchronise(loop.device)

    return step


def their_step(config: GPTConfig, batch: int) -> Step:
    """Hugging Face's model in the loop that everybody writes."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=config.vocab_size,
            n_positions=config.context_length,
            n_embd=config.d_model,
            n_layer=config.n_layers,
            n_head=config.n_heads,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            attn_implementation="sdpa",
            use_cache=False,
            bos_token_id=None,
            eos_token_id=None,
        )
    ).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)

    def step() -> None:
        ids = torch.randint(0, config.vocab_size, (batch, config.context_length))
        model(input_ids=ids, labels=ids).loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def peers(config: GPTConfig, batch: int, compiled: bool) -> dict[str, tuple[Step, str]]:
    """Name -> a step, and its precision."""
    best = str(choose_precision("auto", "cpu")).removeprefix("torch.")
    found = {
        THEIRS: (their_step(config, batch), "float32"),
        "ours, float32": (our_step(config, batch, "float32", "cpu", False), "float32"),
    }
    if best != "float32":
        found[f"ours, {best}"] = (our_step(config, batch, best, "cpu", False), best)
    if compiled:
        found[f"ours, {best}, compiled"] = (our_step(config, batch, best, "cpu", True), best)
    return found


def measure(size: str, rounds: int, compiled: bool) -> Result:
    """For each peer: tokens per second (median, quartiles), times theirs, share of the peak."""
    config, batch = SIZES[size]
    found = peers(config, batch, compiled)
    tokens = batch * config.context_length
    repeats = 10 if size == "small" else 1
    speeds: dict[str, list[float]] = {name: [] for name in found}
    for turn in range(rounds + 1):
        for name, (step, _) in found.items():
            start = time.perf_counter()
            for _ in range(repeats):
                step()
            if turn:  # the first turn warms up
                speeds[name].append(repeats * tokens / (time.perf_counter() - start))
    work = 3 * GPT(config).flops_per_token()
    peaks = {kind: matmul_peak("cpu", getattr(torch, kind)) for _, kind in found.values()}
    result = {}
    for name, values in speeds.items():
        low, middle, high = statistics.quantiles(values, n=4)
        ratios = [a / b for a, b in zip(values, speeds[THEIRS], strict=True)]
        share = middle * work / peaks[found[name][1]]
        result[name] = {
            "tokens_per_second": middle,
            "low": low,
            "high": high,
            "times_theirs": statistics.median(ratios),
            "share_of_peak": share,
        }
    return result


def print_table(results: dict[str, Result]) -> None:
    print(f"{'':<34}{'tokens/s':>10}{'quartiles':>18}{'× HF':>8}{'peak':>7}{'goal':>9}")
    for size, result in results.items():
        for name, row in result.items():
            goal = ""
            if name != THEIRS and size in GOALS:
                goal = f"≥ {GOALS[size][0 if name == 'ours, float32' else 1]:.2f}"
            spread = f"{row['low']:,.0f}–{row['high']:,.0f}"
            print(
                f"{size + ': ' + name:<34}{row['tokens_per_second']:>10,.0f}{spread:>18}"
                f"{row['times_theirs']:>8.2f}{row['share_of_peak']:>7.0%}{goal:>9}"
            )
    print("peak: the share of the fastest matrix product measured here in that precision")


def draw(results: dict[str, Result]) -> Picture:
    fig, grid = style.figure(len(results), 1, width=8, height=1.2 + 1.6 * len(results))
    with style.context():
        for ax, (size, result) in zip(grid[:, 0], results.items(), strict=True):
            names = list(result)
            middle = [result[name]["tokens_per_second"] for name in names]
            below = [m - result[n]["low"] for n, m in zip(names, middle, strict=True)]
            above = [result[n]["high"] - m for n, m in zip(names, middle, strict=True)]
            colours = [style.MUTED if name == THEIRS else style.MODEL for name in names]
            ax.barh(names, middle, xerr=(below, above), color=colours, label="median")
            ax.invert_yaxis()
            ax.set(xlabel="tokens per second", ylabel="", title=size)
    gain = max(row["times_theirs"] for result in results.values() for row in result.values())
    return picture(fig, f"A training step is up to {gain:.1f} times as fast as Hugging Face's")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", choices=[*SIZES], default=None)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true", help="the compiled model, too")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"training steps on {options.threads} threads, {options.rounds} rounds")
    sizes = [options.only] if options.only else list(SIZES)
    results = {size: measure(size, options.rounds, options.compile) for size in sizes}
    print_table(results)
    if choose_precision("auto", "cpu") == torch.float32:
        print("bfloat16: this processor multiplies it no faster, so float32 is the best here")
    options.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"cpu": results}, indent=1)
    (options.out / "training.json").write_text(text + "\n", encoding="utf-8")
    print(f"figure: {draw(results).save(options.out / 'training.png')}")


if __name__ == "__main__":
    main()
