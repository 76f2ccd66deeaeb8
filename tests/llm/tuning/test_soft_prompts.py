"""Soft prompts: vectors of words do what words do, and only the vectors learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.sampling.loop import generate
from utils.llm.tuning.answers import train_on_answers
from utils.llm.tuning.soft_prompts import SoftPrompted, nearest_tokens, prepend


def tiny(positions: str = "rotary") -> GPT:
    torch.manual_seed(0)
    model = GPT(GPTConfig(11, 16, 2, 2, 8, positions=positions, tied=False)).eval()
    for weights in model.parameters():
        torch.nn.init.normal_(weights, std=0.3)
    return model


IDS = torch.tensor([[1, 5, 2, 9], [0, 7, 10, 4]])


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_vectors_of_words_give_the_words_logits(positions: str) -> None:
    model = tiny(positions)
    front = torch.tensor([3, 8, 3])
    prompted = SoftPrompted(model, model.token_embedding.weight[front])
    words = torch.cat([front.expand(2, -1), IDS], dim=1)
    assert torch.allclose(prompted(IDS), model(words)[:, 3:], atol=1e-6)


def test_it_generates_what_the_words_would() -> None:
    model = tiny()
    front = torch.tensor([3, 8, 3])
    prompted = SoftPrompted(model, model.token_embedding.weight[front])
    plain = [int(t) for t in generate(model, torch.cat([front, IDS[0]]), 6)]
    for cache in (True, False):
        assert [int(t) for t in generate(prompted, IDS[0], 6, cache=cache)] == plain


def test_only_the_vectors_learn() -> None:
    model = tiny()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    prompted = SoftPrompted(model, 3, seed=1)
    start = prompted.soft.detach().clone()
    assert [name for name, p in prompted.named_parameters() if p.requires_grad] == ["soft"]
    mask = torch.ones_like(IDS, dtype=torch.bool)
    found = train_on_answers(prompted, IDS, mask, 30, batch_size=2, learning_rate=0.05)
    assert found.losses[-1] < found.losses[0]
    assert not torch.allclose(prompted.soft, start)
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in before.items())


def test_it_begins_as_rows_of_the_table() -> None:
    model = tiny()
    soft = SoftPrompted(model, 4, seed=2).soft.detach()
    ids, cosines = nearest_tokens(soft, model.token_embedding.weight)
    assert torch.equal(model.token_embedding.weight[ids[:, 0]], soft)
    assert torch.allclose(cosines, torch.ones(4, 1), atol=1e-5)


def test_nearest_is_by_direction_against_a_loop() -> None:
    dice = torch.Generator().manual_seed(0)
    vectors, table = torch.randn(6, 5, generator=dice), torch.randn(9, 5, generator=dice)
    table *= torch.linspace(0.2, 5, 9)[:, None]
    ids, cosines = nearest_tokens(vectors, table, k=2)
    for vector, row, values in zip(vectors.numpy(), ids, cosines, strict=True):
        all_ = [
            np.dot(vector, t) / np.linalg.norm(vector) / np.linalg.norm(t) for t in table.numpy()
        ]
        order = np.argsort(all_)[::-1][:2]
        assert row.tolist() == order.tolist()
        assert values.tolist() == pytest.approx([float(all_[i]) for i in order], abs=1e-5)


def test_errors_say_what_to_give() -> None:
    with pytest.raises(ValueError, match="give \\(vectors, columns\\)"):
        prepend(torch.zeros(2, 3), torch.zeros(1, 4, 5))
    with pytest.raises(ValueError, match="leave no room"):
        SoftPrompted(tiny(), 16)
