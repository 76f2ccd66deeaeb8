"""The readers of chapter 03: what comes out, and how far back they still answer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from utils.llm.attention.readers import attending, recurrent


def answers(make, length: int = 40) -> torch.Tensor:
    """Length of the gradient at each input, the first input first."""
    torch.manual_seed(0)
    x = torch.rand(length, 8, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(make(8)(x).sum(), x)
    return gradient.norm(dim=1)


@pytest.mark.parametrize("make", [recurrent(nn.RNN), recurrent(nn.LSTM, 3.0), attending])
def test_a_reader_gives_one_vector_of_its_width(make):
    assert make(8)(torch.rand(5, 8, dtype=torch.float64)).shape == (8,)


def test_an_open_forget_gate_lets_the_first_input_through():
    shut, held_open = answers(recurrent(nn.LSTM))[0], answers(recurrent(nn.LSTM, 3.0))[0]
    assert held_open > 1000 * shut


def test_attention_hears_the_first_input_as_well_as_the_one_before_the_last():
    lengths = answers(attending)
    assert 0.1 < lengths[0] / lengths[-2] < 10


def test_only_an_lstm_has_a_forget_gate():
    with pytest.raises(ValueError, match="RNN has no forget gate"):
        recurrent(nn.RNN, 3.0)
