"""Wrong answers to exercise 6.3."""

from __future__ import annotations

import copy
import math

import torch
from mutants.cases import wrong, wrongs
from torch import nn

ADDS = ("attention.out.weight", "feed_forward.down.weight")


def filled(std=lambda name, n: 0.02 / math.sqrt(2 * n) if name.endswith(ADDS) else 0.02, **other):
    """A loop over the names, with lines of the learner's own."""
    bias, norm = other.get("bias", nn.init.zeros_), other.get("norm", nn.init.ones_)
    draw = other.get("draw", lambda weights, std: weights.normal_(0, std))

    @torch.no_grad()
    def answer(model, n_layers):
        for name, weights in model.named_parameters():
            if other.get("norms_first") and "norm" in name:
                norm(weights)
            elif name.endswith("bias"):
                bias(weights)
            elif "norm" in name:
                norm(weights)
            else:
                draw(weights, std(name, n_layers))
        return model

    return answer


wrongs("6.3", "All matrices have the same deviation", alike=filled(lambda name, n: 0.02))
wrongs(
    "6.3",
    "You counted the layers and not the additions",
    once_a_layer=filled(lambda name, n: 0.02 / n**0.5 if name.endswith(ADDS) else 0.02),
)
wrongs(
    "6.3",
    "You divided by 2 L",
    no_root=filled(lambda name, n: 0.02 / (2 * n) if name.endswith(ADDS) else 0.02),
)
wrongs(
    "6.3",
    "The deviation is √(0.02 / (2 L))",
    root_of_all=filled(lambda name, n: (0.02 / (2 * n)) ** 0.5 if name.endswith(ADDS) else 0.02),
)
wrongs(
    "6.3",
    "feed_forward.down adds to the stream too",
    out_alone=filled(lambda name, n: 0.02 / (2 * n) ** 0.5 if name.endswith(ADDS[0]) else 0.02),
)
wrongs(
    "6.3",
    "attention.out adds to the stream too",
    down_alone=filled(lambda name, n: 0.02 / (2 * n) ** 0.5 if name.endswith(ADDS[1]) else 0.02),
)
wrongs("6.3", "The norms' biases are 1, like", norms_first=filled(norms_first=True))
wrongs("6.3", "All biases are 1", ones=filled(bias=nn.init.ones_))
wrongs("6.3", "The norms' weights are 0", zeros=filled(norm=nn.init.zeros_))
wrongs(
    "6.3",
    "These numbers are spread evenly between −0.02",
    even=filled(draw=lambda weights, std: nn.init.uniform_(weights, -std, std)),
)
wrongs(
    "6.3",
    ("The deviation is 1 everywhere", "token_embedding.weight should have"),
    bare_randn=filled(draw=lambda w, std: w.copy_(torch.randn(w.shape))),
)
wrongs(
    "6.3",
    "The places start at 0",
    no_places=filled(
        lambda name, n: (
            0.0 if "position" in name else 0.02 / (2 * n) ** 0.5 if name.endswith(ADDS) else 0.02
        )
    ),
)


@wrong("6.3", "PyTorch refuses to change a parameter in place")
def while_it_records(model, n_layers):
    for name, weights in model.named_parameters():
        weights.normal_(std=0.02 / math.sqrt(2 * n_layers) if name.endswith(ADDS) else 0.02)
    return model


@wrong("6.3", "You returned another model")
def a_copy(model, n_layers):
    return filled()(copy.deepcopy(model), n_layers)


@wrong("6.3")
def nothing_returned(model, n_layers):
    filled()(model, n_layers)


@wrong("6.3", ("token_embedding.weight should have", "You left token_embedding.weight"))
def rebound(model, n_layers):
    with torch.no_grad():
        for name, weights in model.named_parameters():
            weights = 0.02 * torch.randn(weights.shape)  # binds the name anew
            del name
    return model


wrongs(
    "6.3",
    ("token_embedding.weight should have",),
    xavier=filled(draw=lambda weights, std: nn.init.xavier_normal_(weights)),
)
