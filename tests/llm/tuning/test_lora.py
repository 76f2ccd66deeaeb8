"""LoRA: against one product, against finite differences, and what may and may not change."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.tuning import lora
from utils.llm.tuning.answers import train_on_answers


def tiny(seed: int = 0) -> GPT:
    torch.manual_seed(seed)
    model = GPT(GPTConfig(11, 12, 2, 2, 8, positions="rotary", tied=False)).eval()
    for weights in model.parameters():
        nn.init.normal_(weights, std=0.3)
    return model


def filled(model: nn.Module) -> nn.Module:
    """Roads that have learned something."""
    dice = torch.Generator().manual_seed(5)
    for _, layer in lora.lora_layers(model):
        with torch.no_grad():
            layer.b.copy_(torch.randn(layer.b.shape, generator=dice))
    return model


IDS = torch.tensor([[1, 5, 2, 9, 3], [0, 0, 7, 10, 4]])


def test_forward_is_one_product_with_the_merged_matrix() -> None:
    torch.manual_seed(0)
    w, a, b = torch.randn(5, 3).double(), torch.randn(2, 3).double(), torch.randn(5, 2).double()
    x, bias = torch.randn(4, 2, 3).double(), torch.randn(5).double()
    expected = torch.stack([(w + 3.5 * b @ a) @ row + bias for row in x.reshape(-1, 3)])
    got = lora.lora_forward(x, w, a, b, 7.0, bias)
    assert torch.allclose(got.reshape(-1, 5), expected)
    assert torch.allclose(x @ lora.merged_weight(w, a, b, 7.0).T + bias, got)


def test_gradients_agree_with_finite_differences() -> None:
    torch.manual_seed(0)
    w, x = torch.randn(4, 3).double(), torch.randn(2, 3).double()
    a = torch.randn(2, 3).double().requires_grad_()
    b = torch.randn(4, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: lora.lora_forward(x, w, a, b, 5.0), (a, b))


def test_a_new_road_changes_nothing_and_only_it_learns() -> None:
    model = tiny()
    before = model(IDS)
    frozen = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    lora.add_lora(model, rank=2, alpha=4.0, seed=0)
    torch.testing.assert_close(model(IDS), before)
    mask = torch.ones_like(IDS, dtype=torch.bool)
    train_on_answers(model, IDS, mask, 5, batch_size=2, learning_rate=1e-2, weight_decay=0.1)
    assert not torch.allclose(model(IDS), before)
    for name, tensor in frozen.items():
        assert torch.equal(model.state_dict()[name], tensor), name
    learned = [name for name, p in model.named_parameters() if p.requires_grad]
    assert learned
    assert all(name.endswith((".a", ".b")) for name in learned)
    assert lora.trainable(model) == 2 * 2 * ((8 + 24) + (8 + 8) + 2 * (8 + 32))


def test_merged_equals_unmerged_and_is_plain_again() -> None:
    model = filled(lora.add_lora(tiny(), 3, 6.0, seed=1))
    two_roads = model(IDS)
    lora.merge_lora(model)
    assert torch.allclose(model(IDS), two_roads, atol=1e-4)
    assert not list(lora.lora_layers(model))
    assert list(model.state_dict()) == list(tiny().state_dict())
    assert all(p.requires_grad for p in model.parameters())
    with pytest.raises(ValueError, match="merged already"):
        lora.merge_lora(model)


def test_saved_roads_fit_beside_another_copy(tmp_path: Path) -> None:
    model = filled(lora.add_lora(tiny(), 2, 4.0, seed=1))
    lora.save_lora(model, tmp_path / "roads.safetensors")
    again = lora.load_lora(tiny(), tmp_path / "roads.safetensors")
    torch.testing.assert_close(again(IDS), model(IDS))
    wider = GPT(GPTConfig(11, 12, 2, 2, 16, positions="rotary", tied=False))
    with pytest.raises(ValueError, match="belongs to another model"):
        lora.load_lora(wider, tmp_path / "roads.safetensors")
    model.save(tmp_path / "whole.safetensors")
    with pytest.raises(ValueError, match="not written by save_lora"):
        lora.load_lora(tiny(), tmp_path / "whole.safetensors")


def test_the_seed_draws_a_and_leaves_the_global_generator() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    one = lora.lora_state(lora.add_lora(tiny(), 2, seed=7))
    torch.manual_seed(3)
    other = lora.lora_state(lora.add_lora(tiny(), 2, seed=7))
    assert all(torch.equal(one[name], other[name]) for name in one)
    torch.manual_seed(3)
    model = tiny()
    torch.manual_seed(3)
    lora.add_lora(model, 2, seed=7)
    assert torch.equal(torch.rand(1), expected)


def test_memory_counts_gradients_and_moments_of_what_learns() -> None:
    model = tiny()
    total = model.num_parameters()
    assert lora.training_bytes(model) == 16 * total
    lora.add_lora(model, 2)
    learns = lora.trainable(model)
    assert lora.training_bytes(model) == 4 * total + 16 * learns


def test_errors_say_what_to_do() -> None:
    with pytest.raises(ValueError, match="so give 1 to 8"):
        lora.add_lora(tiny(), rank=9)
    with pytest.raises(ValueError, match="No linear layer"):
        lora.add_lora(tiny(), parts=["query"])
    with pytest.raises(ValueError, match="already"):
        lora.add_lora(lora.add_lora(tiny()))
    with pytest.raises(ValueError, match="nothing to save"):
        lora.save_lora(tiny(), "unused")


def test_a_model_is_told_from_others_whatever_its_size():
    for length in (1, 2, 1024, 1025, 28_311_552, 1 << 40):
        places = lora._spread(length)
        assert (places[0], places[-1]) == (0, length - 1)
        assert (places.diff() > 0).all()
