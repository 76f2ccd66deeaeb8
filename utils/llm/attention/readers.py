"""Readers whose memory chapter 03 measures: each turns T vectors into the output at the last."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from utils.llm.attention.heads import attention_for_one_query

__all__ = ["attending", "recurrent"]

Reader = Callable[[Float[Tensor, "T C"]], Float[Tensor, "C"]]


def recurrent(layer: type[nn.RNNBase], open_gate: float = 0.0) -> Callable[[int], Reader]:
    """A maker of readers of `width` numbers, from nn.RNN or nn.LSTM, in float64.

    `open_gate` is added to the bias of an LSTM's forget gate; a ValueError tells a layer that
    has none.
    """
    if open_gate and layer is not nn.LSTM:
        raise ValueError(f"{layer.__name__} has no forget gate to hold open; give nn.LSTM")

    def make(width: int) -> Reader:
        network = layer(width, width).double()
        if open_gate:
            with torch.no_grad():  # PyTorch keeps the gates' biases in one row: input, forget, …
                network.bias_hh_l0[width : 2 * width] += open_gate
        return lambda x: network(x)[0][-1]

    return make


def attending(width: int) -> Reader:
    """A reader of `width` numbers that asks with its last vector, over all of them, in float64."""
    query, key, value = (nn.Linear(width, width).double() for _ in range(3))
    return lambda x: attention_for_one_query(query(x[-1]), key(x), value(x))[0]
