"""Sound answers of odd kinds to exercise 6.3."""

from __future__ import annotations

import math

import numpy as np
import torch
from mutants.cases import sound
from torch import nn


def deviation(name, n_layers):
    adds = name.endswith(("attention.out.weight", "feed_forward.down.weight"))
    return 0.02 * (2 * n_layers) ** -0.5 if adds else 0.02


@sound("6.3")
def by_init(model, n_layers):
    for name, weights in model.named_parameters():
        if name.endswith("bias"):
            nn.init.constant_(weights, 0)
        elif "norm" in name:
            nn.init.constant_(weights, 1)
        else:
            nn.init.normal_(weights, 0.0, deviation(name, n_layers))
    return model


@sound("6.3")
def through_data(model, n_layers):
    for name, weights in model.named_parameters():
        if weights.ndim == 1:
            weights.data.fill_(float("norm" in name and name.endswith("weight")))
        else:
            weights.data = torch.randn_like(weights.data) * deviation(name, n_layers)
    return model


@sound("6.3")
def with_numpy_dice(model, n_layers):
    dice = np.random.default_rng(3)
    state = model.state_dict()
    for name, weights in state.items():
        if name.endswith("bias"):
            state[name] = torch.zeros_like(weights)
        elif "norm" in name:
            state[name] = torch.ones_like(weights)
        else:
            numbers = dice.normal(0, deviation(name, n_layers), tuple(weights.shape))
            state[name] = torch.tensor(numbers, dtype=torch.float32)
    model.load_state_dict(state)
    return model


@sound("6.3")
def by_apply(model, n_layers):
    def fill(module):
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if getattr(module, "bias", None) is not None:
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)

    model.apply(fill)
    for name, weights in model.named_parameters():
        if "norm" not in name and weights.ndim == 2:
            nn.init.normal_(weights, std=deviation(name, n_layers))
    return model


@sound("6.3")
def box_and_muller(model, n_layers):
    with torch.no_grad():
        for name, weights in model.named_parameters():
            weights.fill_(float("norm" in name and name.endswith("weight")))
            if weights.ndim == 2:
                u, v = 1 - torch.rand(2, *weights.shape)
                normal = (-2 * u.log()).sqrt() * (2 * math.pi * v).cos()
                weights.copy_(normal * deviation(name, n_layers))
    return model
