"""How fast a model writes in each number format that this machine can do."""

import time
import warnings

import torch

from utils.data.texts.models import TextModel
from utils.llm.sampling.fast import with_precision
from utils.llm.sampling.loop import generate

__all__ = ["tokens_per_second"]


def tokens_per_second(opened: TextModel, n: int = 24) -> dict[str, float]:
    """Tokens a second, one text, greedily, by the number format of the weights.

    A format that this machine does not have is left out.
    """
    ids = torch.tensor(opened.stop_ids)
    found = {}
    for name in ("float32", "bfloat16", "int8", "int4"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a format that this machine does not have
            model = with_precision(opened.model, name)
        if model.precision != name:
            continue
        list(generate(model, ids, 2))  # the first tokens pay for what is made once
        start = time.perf_counter()
        list(generate(model, ids, n))
        found[name] = n / (time.perf_counter() - start)
    return found
