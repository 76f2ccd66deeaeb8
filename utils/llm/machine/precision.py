"""Which precision a processor computes well in."""

from __future__ import annotations

import contextlib
import platform
import time
from functools import cache
from pathlib import Path

import torch

PRECISIONS = ("float32", "bfloat16", "auto")


def bfloat16_pays(device: torch.device | str = "cpu") -> bool:
    """Whether this processor multiplies bfloat16 matrices by instructions of its own.

    Without them each number is widened first, which is slower than float32 from the start. On a
    CPU these are AVX512-BF16, AMX or Arm's BF16; among NVIDIA's GPUs, Ampere and later. Weights
    that are read once and used once, as in writing, pay by being narrow; whether products of
    large matrices are faster too, as in training, `choose_precision` finds out.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    return device.type == "cpu" and _cpu_has_bfloat16()


@cache
def _cpu_has_bfloat16() -> bool:
    ask = getattr(torch.cpu, "get_capabilities", dict)  # PyTorch below 2.10 has other names
    found = ask()
    if any(found.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")):
        return True
    if platform.machine().lower() in ("x86_64", "amd64"):
        return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)())
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return False
    return "bf16" in flags


@cache
def _cpu_multiplies_bfloat16_faster() -> bool:
    """Tried, in a few milliseconds: some processors have the instructions at half the rate.

    Intel's with AVX512-BF16 and without AMX take twice float32's time, at any size; AMD's half.
    """
    kinds = (torch.float32, torch.bfloat16)
    tries = [[_seconds_of_a_product(kind) for kind in kinds] for _ in range(5)]
    wide, narrow = (min(each) for each in zip(*tries, strict=True))
    return narrow < wide


def _seconds_of_a_product(dtype: torch.dtype, size: int = 256) -> float:
    a = torch.ones(size, size, dtype=dtype)
    a @ a  # the first one is set up
    start = time.perf_counter()
    a @ a
    return time.perf_counter() - start


def choose_precision(name: str, device: torch.device | str = "cpu") -> torch.dtype:
    """The type to train in: "float32", "bfloat16", or "auto" for the faster of them here.

    >>> choose_precision("float32")
    torch.float32
    """
    if name not in PRECISIONS:
        raise ValueError(f"precision is {name!r}: give one of {', '.join(map(repr, PRECISIONS))}.")
    if name == "auto":
        on_cpu = torch.device(device).type == "cpu"
        pays = bfloat16_pays(device) and (not on_cpu or _cpu_multiplies_bfloat16_faster())
        return torch.bfloat16 if pays else torch.float32
    return getattr(torch, name)


def autocast(
    dtype: torch.dtype, device: torch.device | str
) -> contextlib.AbstractContextManager[object]:
    """A context in which matrices are multiplied in `dtype`; weights and sums stay float32.

    Source: Micikevicius et al. 2018.
    """
    if dtype == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(torch.device(device).type, dtype=dtype)
