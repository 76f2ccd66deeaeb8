"""What chapter 06 says to answers written the way learners write them, not the way we test."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from helpers.feedback import said
from torch import nn

ADDS = ("attention.out.weight", "feed_forward.down.weight")


def filled(model, n_layers, skip="nothing", fill=lambda w, std: nn.init.normal_(w, std=std)):
    for name, weights in model.named_parameters():
        if skip in name:
            continue
        if weights.ndim == 1:
            nn.init.constant_(weights, "norm" in name and name.endswith("weight"))
        else:
            fill(weights, 0.02 / (math.sqrt(2 * n_layers) if name.endswith(ADDS) else 1))
    return model


def test_a_start_by_shapes_passes():
    assert said("6.3", filled) == "right"


def test_a_new_model_is_not_in_place():
    text = said("6.3", lambda model, n_layers: filled(copy.deepcopy(model), n_layers))
    assert text.startswith("You returned another model: fill the one that you were given")


@pytest.mark.parametrize("skip", ["norm", "position_embedding", "qkv.bias"])
def test_what_was_left_alone_is_named(skip):
    text = said("6.3", lambda model, n_layers: filled(model, n_layers, skip))
    assert text.startswith("You left ")
    assert skip in text.splitlines()[0]


def test_the_text_s_own_deviation_is_asked_for():
    def small(weights, std):
        nn.init.normal_(weights, std=std / 2)

    text = said("6.3", lambda model, n_layers: filled(model, n_layers, fill=small))
    assert text.startswith("token_embedding.weight should have the mean 0 and the deviation 0.02,")
    assert "for initialise(a GPT of width 64, 1)" in text


def test_even_numbers_of_the_right_deviation_are_not_normal():
    def even(weights, std):
        nn.init.uniform_(weights, -std * math.sqrt(3), std * math.sqrt(3))

    assert "spread evenly" in said("6.3", lambda model, n: filled(model, n, fill=even))


def test_an_addition_in_place_keeps_one_tensor():
    def gpt(ids, tokens, places, blocks, final_norm):
        x = tokens[ids] + places[: ids.shape[1]]
        depths = [x]
        for block in blocks:
            x += block(x) - x
            depths.append(x)
        return torch.stack(depths), final_norm(x) @ tokens.T

    text = said("6.2", gpt)
    assert text.startswith("All depths are the last one")
    assert " at 0x" not in text
