"""How fast a model writes in each number format that this machine can do."""

import time

import torch

from utils.data.texts.models import TextModel
from utils.llm.sampling import fast
from utils.llm.sampling.loop import generate

__all__ = ["tokens_per_second"]


def tokens_per_second(opened: TextModel, n: int = 24) -> dict[str, float]:
    """Tokens a second, one text, greedily, by the number format of the weights."""
    ids = torch.tensor(opened.stop_ids)
    kinds = {"float32": fast.with_float32, "bfloat16": fast.with_bfloat16, "int8": fast.with_int8}
    found = {}
    for name, made in kinds.items():
        model = made(opened.model)
        list(generate(model, ids, 2))  # the first tokens pay for what is made once
        start = time.perf_counter()
        list(generate(model, ids, n))
        found[name] = n / (time.perf_counter() - start)
    return found
