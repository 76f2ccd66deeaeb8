"""How fast this machine trains, and how that compares with what its arithmetic could do at most."""

import time
from typing import NamedTuple

import torch

from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.machine.precision import choose_precision
from utils.llm.training.loop import TrainConfig, train

__all__ = ["Speed", "matmul_peak", "training_speed"]


def matmul_peak(
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    seconds: float = 0.3,
    size: int | None = None,
) -> float:
    """Floating-point operations per second of the best of many products of two large matrices.

    No training is faster than that: nearly all of its work is such products.
    """
    device = torch.device(device)
    size = size or (1024 if device.type == "cpu" else 8192)
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best, began = float("inf"), None
    while began is None or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        a @ b
        synchronise(device)
        if began is None:  # the first one warms up
            began = time.perf_counter()
        else:
            best = min(best, time.perf_counter() - start)
    if best == float("inf"):
        best = time.perf_counter() - start
    return 2 * size**3 / best


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


class Speed(NamedTuple):
    """Tokens per second of training, the share of the matmul peak that is, and the precision."""

    tokens_per_second: float
    share: float
    precision: str


def training_speed(
    config: GPTConfig, batch_size: int, steps: int = 4, device: torch.device | str = "cpu"
) -> Speed:
    """Train a model for a few steps on random tokens, in the precision that pays here.

    The best step counts; the first, which warms up, does not.
    """
    device = torch.device(device)
    dtype = choose_precision("auto", device)
    precision = str(dtype).removeprefix("torch.")
    ids = torch.randint(0, config.vocab_size, (10 * config.context_length,))
    moments: list[float] = []
    with torch.random.fork_rng([]):
        model = GPT(config).to(device)
    settings = TrainConfig(steps=steps + 1, batch_size=batch_size, precision=precision)
    train(model, ids, None, settings, [lambda report: moments.append(report.history.seconds)])
    best = min(later - earlier for earlier, later in zip(moments, moments[1:], strict=False))
    speed = batch_size * config.context_length / best
    work = 3 * model.flops_per_token()  # backward takes twice what forward does
    return Speed(speed, speed * work / matmul_peak(device, dtype), precision)
