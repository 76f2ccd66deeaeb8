"""Exercise 11.5: thirty-two weights from a block of twenty bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.steps import at_one_step, at_two_steps

Numbers = tuple[float, float]


def dequantize_q4_1(block: bytes) -> Tensor:
    """The 32 weights d · q + m of a block: d and m as float16, then 16 bytes, low halves first."""
    return _dequantized(block)


def _low_first(data: np.ndarray) -> np.ndarray:
    return np.concatenate([data & 15, data >> 4])


def _dequantized(
    block: bytes,
    *,
    head: Callable[[bytes], Numbers] = lambda block: struct.unpack("<ee", block[:4]),
    body: Callable[[bytes], bytes] = lambda block: block[4:20],
    halves: Callable[[np.ndarray], np.ndarray] = _low_first,
    count: Callable[[np.ndarray], np.ndarray] = lambda q: q.astype(np.float64),
    value: Callable[[np.ndarray, float, float], np.ndarray] = lambda q, d, m: d * q + m,
) -> Tensor:
    """The weights with a bend where a wrong turn wants one."""
    d, m = head(block)
    q = halves(np.frombuffer(body(block), dtype=np.uint8))
    with np.errstate(over="ignore", invalid="ignore"):
        return torch.tensor(value(count(q), d, m), dtype=torch.float32)


def _bfloat16(block: bytes) -> Numbers:
    numbers = torch.frombuffer(bytearray(block[:4]), dtype=torch.bfloat16)
    return tuple(numbers.float().tolist())


_STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    "head": {
        "d and m are swapped: the first two bytes are the scale d, the next two the minimum m.": (
            lambda block: struct.unpack("<ee", block[:4])[::-1]
        ),
        "The two numbers were read with the high byte first: the low byte comes first ('<e').": (
            lambda block: struct.unpack(">ee", block[:4])
        ),
        "d and m were read as whole numbers: their two bytes are a float16.": lambda block: (
            struct.unpack("<HH", block[:4])
        ),
        "d and m were read as bfloat16: they are float16, 5 bits of exponent and 10 of fraction.": (
            _bfloat16
        ),
        "m was read from the bytes of d: it begins at byte 2.": lambda block: (
            struct.unpack("<e", block[:2]) * 2
        ),
        "d was read from the bytes of m: it begins at byte 0.": lambda block: (
            struct.unpack("<e", block[2:4]) * 2
        ),
        "d and m were read from the end of the block: they stand in front, bytes 0 to 3.": (
            lambda block: struct.unpack("<ee", block[-4:])
        ),
    },
    "body": {
        "The bytes of the weights begin at byte 4, behind d and m: yours begin at byte 2.": (
            lambda block: block[2:18]
        ),
        "The bytes of the weights begin at byte 4, behind d and m: yours begin at byte 0.": (
            lambda block: block[:16]
        ),
        "The bytes of the weights were read backwards: keep their order.": lambda block: block[
            :3:-1
        ],
    },
    "halves": {
        "The high halves came first: weights 0 to 15 are the low halves, 16 to 31 the high ones.": (
            lambda data: np.concatenate([data >> 4, data & 15])
        ),
        "Low and high half of each byte were put side by side: all low halves come first, weights "
        "0 to 15, then all high ones.": lambda data: np.stack(
            [data & 15, data >> 4], axis=1
        ).ravel(),
        "Each byte gives two weights side by side in yours, its high half first: all low halves "
        "come first, weights 0 to 15, then all high ones.": lambda data: np.stack(
            [data >> 4, data & 15], axis=1
        ).ravel(),
        "The high halves were not moved down: byte >> 4, or they count sixteenfold.": lambda data: (
            np.concatenate([data & 15, data & 0xF0])
        ),
        "The high half was moved down by three bits: by four, byte >> 4.": lambda data: (
            np.concatenate([data & 15, data >> 3])
        ),
        "Only the low halves are there: a byte holds two weights.": lambda data: data & 15,
        "Only the high halves are there: a byte holds two weights.": lambda data: data >> 4,
        "The low halves came twice: the second half of the weights is byte >> 4.": lambda data: (
            np.concatenate([data & 15, data & 15])
        ),
        "The high halves came twice: the first half of the weights is byte & 15.": lambda data: (
            np.concatenate([data >> 4, data >> 4])
        ),
        "The low halves kept the whole byte: byte & 15 takes its lower four bits.": lambda data: (
            np.concatenate([data, data >> 4])
        ),
        "Your mask keeps one bit, the fifth: 16 is 0b10000, and 15 is 0b1111.": (
            lambda data: np.concatenate([data & 16, data >> 4])
        ),
        "Your mask keeps three bits: 15 has four, 0b1111.": lambda data: np.concatenate(
            [data & 7, data >> 4]
        ),
        "The bytes were read as signed, so that a high half above 7 becomes negative: read them "
        "as uint8.": lambda data: np.concatenate([data & 15, data.view(np.int8) >> 4]),
        "You took a byte for a weight: each holds two, of four bits.": lambda data: np.concatenate(
            [data, data]
        ),
    },
    "count": {
        "8 was subtracted, as in the format Q4_0: with a minimum, q counts from 0 to 15.": (
            lambda q: q.astype(np.float64) - 8
        ),
        "The four bits were read as signed, −8 to 7: with a minimum, q counts from 0 to 15.": (
            lambda q: q.astype(np.float64) - 16 * (q > 7)
        ),
        "q was divided by 15: d is the step between two neighbours already.": lambda q: (
            q.astype(np.float64) / 15
        ),
        "q was divided by 16: d is the step between two neighbours already.": lambda q: (
            q.astype(np.float64) / 16
        ),
    },
    "value": {
        "m is the minimum, and is added as it is, d · q + m; you took it for a zero point, "
        "d · (q − m).": lambda q, d, m: d * (q - m),
        "m is added as it is, d · q + m; yours is scaled too, d · (q + m).": lambda q, d, m: (
            d * (q + m)
        ),
        "m was subtracted: it is added, d · q + m.": lambda q, d, m: d * q - m,
        "m was left out: it is added, d · q + m.": lambda q, d, m: d * q,
        "d was left out: it is the step, d · q + m.": lambda q, d, m: q + m,
        "d divides in yours: it multiplies, d · q + m.": lambda q, d, m: (
            q / d + m if d else q * np.inf
        ),
        "d and m were multiplied: d · q + m.": lambda q, d, m: d * q * m,
        "The result is rounded to float16: d · q + m in float32 has more digits.": (
            lambda q, d, m: np.float16(d) * q.astype(np.float16) + np.float16(m)
        ),
    },
}


def _by_loop(block: bytes) -> Tensor:
    d, m = np.frombuffer(block, dtype="<f2", count=2).astype(np.float32)
    low = [byte % 16 for byte in block[4:]]
    high = [byte // 16 for byte in block[4:]]
    return torch.tensor([float(d) * q + float(m) for q in low + high])


def _by_torch(block: bytes) -> Tensor:
    data = torch.frombuffer(bytearray(block), dtype=torch.uint8)
    d, m = data[:4].view(torch.float16).float()
    return torch.cat([data[4:] & 0x0F, data[4:] >> 4]) * d + m


def _by_the_package(block: bytes) -> np.ndarray:
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize

    return dequantize(np.frombuffer(block, dtype=np.uint8), GGMLQuantizationType.Q4_1)


def _explain(args: tuple[bytes], expected: Tensor, got: Any) -> str | None:
    """Which q each weight works out as, where d and m may be right."""
    (block,) = args
    d, m = struct.unpack("<ee", block[:4])
    found = torch.as_tensor(got).double()
    if d == 0:
        return None
    worked, wanted = (found - m) / d, ((expected.double() - m) / d).round()
    whole = torch.allclose(worked, worked.round(), atol=1e-2)
    if whole and worked.min() > -0.5 and worked.max() < 15.5:
        first = int((worked.round() != wanted).nonzero()[0])
        return (
            f"d and m are right, but the four bits are not: weight {first} was made of q = "
            f"{int(worked[first].round())}, and it is q = {int(wanted[first])}."
        )
    line = torch.stack([wanted, torch.ones(32, dtype=torch.float64)], dim=1)
    step, least = torch.linalg.lstsq(line, found[:, None]).solution[:, 0].tolist()
    if torch.allclose(
        line @ torch.tensor([[step], [least]], dtype=torch.float64),
        found[:, None],
        atol=1e-3 * max(1, abs(step)),
    ):
        return (
            f"The four bits are right: your weights are {step:.4g} · q + {least:.4g}, and d is "
            f"{d:.4g}, m {m:.4g}."
        )
    return None


def _block(d: float, m: float, seed: int) -> tuple[bytes]:
    data = np.random.default_rng(seed).integers(0, 256, 16, dtype=np.uint8).tobytes()
    return (struct.pack("<ee", d, m) + data,)


FOUR_BITS = Exercise(
    id="11.5",
    title="A block of four bits",
    minutes=8,
    stars=2,
    reference=dequantize_q4_1,
    probes=[
        (struct.pack("<ee", 0.5, -3.25) + bytes([0x21, 0x43, 0xA5, 0x8F, *range(7, 151, 12)]),),
        _block(0.03125, -0.2, seed=1151),
        _block(-0.013, 0.31, seed=1152),
        _block(0.0, 0.75, seed=1153),
        _block(1.7, 0.0, seed=1154),
        _block(3e-6, -2e-5, seed=1155),
        (struct.pack("<ee", 0.11, -1.5) + bytes(range(0xFF, 0xEF, -1)),),
    ],
    mistakes=at_one_step(_dequantized, _STEPS)
    | {
        "The halves stand in two rows: the weights are one row of 32, torch.cat.": lambda block: (
            dequantize_q4_1(block).view(2, 16)
        ),
        "A list came back: make a float32 tensor of it, torch.tensor(…).": lambda block: (
            dequantize_q4_1(block).tolist()
        ),
        "The weights came back as whole numbers, q alone: w = d · q + m.": partial(
            _dequantized, value=lambda q, d, m: q
        ),
    },
    together=at_two_steps(_dequantized, _STEPS),
    alternatives={
        "remainders in a loop": _by_loop,
        "torch.frombuffer": _by_torch,
        "the package gguf": _by_the_package,
    },
    explain=_explain,
    atol=1e-7,
)
