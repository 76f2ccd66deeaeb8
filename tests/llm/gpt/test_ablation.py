"""Models with a part taken away: that part is gone, and nothing else."""

from __future__ import annotations

import pytest
import torch

from utils.llm.gpt import ablation
from utils.llm.gpt.model import GPTConfig
from utils.llm.gpt.norms import DynamicTanh

CONFIG = GPTConfig(vocab_size=11, context_length=6, n_layers=2, n_heads=2, d_model=8)
IDS = torch.tensor([[3, 1, 4, 1, 5]])


def logits(without: str = "", ids: torch.Tensor = IDS) -> torch.Tensor:
    with torch.no_grad():
        return ablation.build(CONFIG, without)(ids)


def test_each_part_makes_a_difference() -> None:
    whole = logits()
    torch.testing.assert_close(whole, logits())
    for part in ablation.PARTS:
        assert not torch.allclose(whole, logits(part), atol=1e-5), part


def test_without_residual_it_starts_from_the_same_numbers() -> None:
    whole, bare = ablation.build(CONFIG), ablation.build(CONFIG, "residual")
    for (name, mine), (_, theirs) in zip(
        whole.state_dict().items(), bare.state_dict().items(), strict=True
    ):
        assert torch.equal(mine, theirs), name


def test_without_residual_nothing_gets_past_a_branch() -> None:
    model = ablation.build(CONFIG, "residual")
    block = model.blocks[0]
    with torch.no_grad():
        block.feed_forward.down.weight.zero_()
        assert not block(torch.rand(1, 3, 8)).any()


def test_without_feed_forward_a_block_only_adds_what_attention_found() -> None:
    block = ablation.build(CONFIG, "feed-forward").blocks[0]
    x = torch.rand(1, 3, 8)
    torch.testing.assert_close(block(x), x + block.attention(block.norm_1(x)))


def test_without_positions_shuffled_words_leave_the_last_one_alone() -> None:
    model = ablation.build(CONFIG.with_changes(n_layers=1), "positions")
    shuffled = IDS[:, [2, 0, 3, 1, 4]]
    with torch.no_grad():
        torch.testing.assert_close(model(IDS)[:, -1], model(shuffled)[:, -1])


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(ValueError, match="'head': give one of"):
        ablation.build(CONFIG, "head")


def test_norms_are_compared_from_one_start() -> None:
    made = {norm: ablation.build_with_norm(CONFIG, norm, alpha=0.7) for norm in ("dyt", "none")}
    first, second = (model.token_embedding.weight for model in made.values())
    assert torch.equal(first, second)
    assert 0.8 < first.std() < 1.2
    assert made["dyt"].head.weight is not first
    bends = [layer for layer in made["dyt"].modules() if isinstance(layer, DynamicTanh)]
    assert len(bends) == 5
    assert all(layer.alpha.item() == pytest.approx(0.7) for layer in bends)


def test_an_untrained_model_pays_about_a_guess() -> None:
    bits = ablation.held_out_bits(ablation.build(CONFIG), IDS[:, :-1], IDS[:, 1:])
    assert bits == pytest.approx(torch.tensor(11.0).log2().item(), abs=0.1)


def test_a_level_that_is_not_reached_is_none() -> None:
    assert ablation.steps_to_reach([3.0, 2.0, 1.9], level=1.0) is None
