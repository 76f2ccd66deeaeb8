"""What attention costs as the text grows: explicit, fused and linear, in time and in memory.

    python tests/bench/attention.py [--backward] [--device cuda] [--dtype bfloat16] [--rounds 7]

Causal attention of one text. The kinds take turns, so that a busy moment of the machine strikes
all of them; the fastest turn counts, as other work only ever adds time. Memory is the most that
was held at once beyond the inputs: on a CPU as PyTorch's profiler saw it allocated, on a GPU as
its allocator counts it. Before anything is timed, fused and explicit must agree, and linear with
its quadratic form.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from utils.llm.attention.heads import (
    causal_mask,
    elu_plus_one,
    fused_attention,
    linear_attention,
    scaled_dot_product_attention,
)
from utils.viz import style
from utils.viz.picture import Picture, picture

ROOT = Path(__file__).resolve().parents[2]
MIB = 2**20
Measured = dict[str, dict[int, float]]


def explicit(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    mask = causal_mask(q.shape[-2], device=q.device)
    return scaled_dot_product_attention(q, k, v, mask)[0]


def fused(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return fused_attention(q, k, v, causal=True)


def linear(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return linear_attention(q, k, v, causal=True)


KINDS = {"explicit": explicit, "fused": fused, "linear": linear}
COLOURS = dict(zip(KINDS, (style.ORANGE, style.BLUE, style.GREEN), strict=True))


def make_inputs(n_tokens: int, options: argparse.Namespace) -> list[Tensor]:
    generator = torch.Generator().manual_seed(n_tokens)
    shape = (1, options.heads, n_tokens, options.width)
    made = [torch.randn(shape, generator=generator) for _ in range(3)]
    dtype = getattr(torch, options.dtype)
    return [x.to(options.device, dtype).requires_grad_(options.backward) for x in made]


def check_agreement(options: argparse.Namespace) -> None:
    """Raises AssertionError where two ways to the same numbers part."""
    q, k, v = make_inputs(256, options)
    tolerance = 1e-5 if options.dtype == "float32" else 3e-2
    torch.testing.assert_close(fused(q, k, v), explicit(q, k, v), rtol=tolerance, atol=tolerance)
    kernel = (elu_plus_one(q.float()) @ elu_plus_one(k.float()).mT).tril()
    quadratic = kernel / kernel.sum(-1, keepdim=True) @ v.float()
    got = linear(q, k, v).float()
    torch.testing.assert_close(got, quadratic, rtol=tolerance, atol=tolerance)


def task(attend: Callable[..., Tensor], inputs: Sequence[Tensor]) -> Callable[[], object]:
    if not inputs[0].requires_grad:
        return lambda: attend(*inputs)
    return lambda: torch.autograd.grad(attend(*inputs).sum(), inputs)


def seconds(action: Callable[[], object], device: str) -> float:
    """Mean of as many calls as fit into some 20 ms, one at least."""
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < 0.02:
        action()
        if device == "cuda":
            torch.cuda.synchronize()
        calls += 1
    return (time.perf_counter() - start) / calls


def peak_bytes(action: Callable[[], object], device: str) -> int:
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        action()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        action()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    changes = [(e["ts"], e["args"]["Bytes"]) for e in events if e.get("name") == "[memory]"]
    held = peak = 0
    for _, change in sorted(changes, key=lambda pair: pair[0]):
        held += change
        peak = max(peak, held)
    return peak


def measure(options: argparse.Namespace) -> tuple[Measured, Measured]:
    """Milliseconds and MiB, by kind and by number of tokens."""
    times: Measured = {name: {} for name in KINDS}
    memory: Measured = {name: {} for name in KINDS}
    for n_tokens in options.tokens:
        inputs = make_inputs(n_tokens, options)
        tasks = {name: task(attend, inputs) for name, attend in KINDS.items()}
        for name, action in tasks.items():  # warms up, too
            action()
            memory[name][n_tokens] = peak_bytes(action, options.device) / MIB
        rounds: dict[str, list[float]] = {name: [] for name in tasks}
        for _ in range(options.rounds):
            for name, action in tasks.items():
                rounds[name].append(seconds(action, options.device))
        for name, values in rounds.items():
            times[name][n_tokens] = 1e3 * min(values)
    return times, memory


def print_table(times: Measured, memory: Measured) -> None:
    headings = [f"{name}, {unit}" for unit in ("ms", "MiB") for name in KINDS]
    print(f"{'T':>6}" + "".join(f"{heading:>15}" for heading in headings) + f"{'× fused':>10}")
    for n_tokens in times["fused"]:
        cells = [values[name][n_tokens] for values in (times, memory) for name in KINDS]
        gain = times["explicit"][n_tokens] / times["fused"][n_tokens]
        print(f"{n_tokens:>6,}" + "".join(f"{c:>15,.2f}" for c in cells) + f"{gain:>10.1f}")
    print("× fused: how much faster than explicit the fused kernel is")


def draw(times: Measured, memory: Measured) -> Picture:
    fig, grid = style.figure(1, 2, width=8, height=4)
    panels = {"time, ms": times, "memory held at once, MiB": memory}
    with style.context():
        for ax, (label, values) in zip(grid[0], panels.items(), strict=True):
            for name, points in values.items():
                ax.plot(points.keys(), points.values(), marker="o", color=COLOURS[name], label=name)
            ax.set(xlabel="tokens T", ylabel=label)
            style.log_scale(ax, "x")
            style.log_scale(ax, "y")
            ax.legend()
    last = max(times["fused"])
    ratio = memory["explicit"][last] / memory["fused"][last]
    return picture(
        fig, f"At {last:,} tokens explicit attention holds {ratio:,.0f} times what the fused does"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, nargs="+", default=[2**n for n in range(6, 13)])
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--width", type=int, default=64, help="of a head")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--backward", action="store_true", help="gradients as well")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--figure", type=Path, default=ROOT / "build" / "bench" / "attention.png")
    options = parser.parse_args()
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler reports its start to stderr
    check_agreement(options)
    where = (
        torch.cuda.get_device_name()
        if options.device == "cuda"
        else f"{torch.get_num_threads()} threads"
    )
    print(
        f"causal attention, {'forward and backward' if options.backward else 'forward'}: "
        f"{options.heads} heads of width {options.width}, {options.dtype}, {where}"
    )
    times, memory = measure(options)
    print_table(times, memory)
    options.figure.parent.mkdir(parents=True, exist_ok=True)
    print(f"figure: {draw(times, memory).save(options.figure)}")


if __name__ == "__main__":
    main()
