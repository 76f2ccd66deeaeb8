"""Sound answers to exercise 7.6."""

from __future__ import annotations

import math

import torch
from mutants.cases import sounds

sounds(
    "7.6",
    numbers=lambda x, n: (math.exp(x.mean()), float(x.sum()) / math.log(2) / n),
    log2e=lambda x, n: (x.mean().exp(), x.sum() * math.log2(math.e) / n),
    a_list=lambda x, n: [torch.exp(x.mean()), x.sum() / (n * math.log(2))],
    in_numpy=lambda x, n: ((x.mean().exp().numpy(), (x.sum() / math.log(2) / n).numpy())),
    in_float64=lambda x, n: ((x.double().mean().exp(), x.double().sum() / math.log(2) / n)),
    powers=lambda x, n: (2 ** (x.mean() / math.log(2)), (x / math.log(2)).sum() / n),
)
