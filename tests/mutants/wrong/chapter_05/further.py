"""Further wrong answers to the exercises of chapter 05."""

from __future__ import annotations

import torch
from mutants.cases import course, wrong
from torch import nn

from utils.llm import attention

gelu = course("5.2")


@wrong("5.3", "You returned the output first")
def out_first_and_relu(x, w_in, b_in, w_out, b_out):
    hidden = torch.relu(x @ w_in + b_in)
    return hidden @ w_out + b_out, hidden


@wrong("5.4", "Both norms write over")
def stream_normalised(x, norm_1, attend, norm_2, feed_forward):
    x = norm_1(x)
    after_attention = x + attend(x)
    after_attention = norm_2(after_attention)
    return after_attention, after_attention + feed_forward(after_attention)


@wrong("5.5", "You returned one number")
def narrow_heads_and_the_sum(d_model, n_heads):
    d_head = d_model // n_heads
    hidden = 4 * d_model
    attention = 3 * (d_model * d_head + d_head) + d_model**2 + d_model
    return 4 * d_model + attention + 2 * d_model * hidden + hidden + d_model


@wrong("5.6", "up.weight has the shape (8, 4), and should have (16, 4): `up` is")
class twice_as_wide_not_four_times(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.norm_1 = nn.LayerNorm(d_model)
        self.attention = attention.MultiHeadAttention(d_model, n_heads)
        self.norm_2 = nn.LayerNorm(d_model)
        self.up = nn.Linear(d_model, 2 * d_model)
        self.down = nn.Linear(2 * d_model, d_model)

    def forward(self, x):
        x = x + self.attention(self.norm_1(x))
        return x + self.down(gelu(self.up(self.norm_2(x))))
