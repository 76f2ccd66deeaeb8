"""Training on answers alone, and on a model's own: against loops, and against generation."""

from __future__ import annotations

import math

import pytest
import torch

from utils.data.puzzles import sums as puzzles
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.reasoning.self_teaching import self_teach
from utils.llm.sampling.loop import generate
from utils.llm.tuning.answers import answer_loss, exact_matches, fill_up, train_on_answers


def tiny(seed: int = 0) -> GPT:
    torch.manual_seed(seed)
    return GPT(GPTConfig(16, 24, 1, 2, 16, tied=False))


def test_the_loss_is_the_mean_over_marked_tokens() -> None:
    model = tiny()
    ids, mask = puzzles.lessons(["47=", "9=", "123="])
    logits = model(ids)
    losses = []
    for b in range(len(ids)):
        for t in range(1, ids.shape[1]):
            if mask[b, t]:
                chances = logits[b, t - 1].double().softmax(-1)
                losses.append(-math.log(chances[ids[b, t]].item()))
    assert answer_loss(logits, ids, mask).item() == pytest.approx(sum(losses) / len(losses))


def test_filling_and_prompt_have_no_say() -> None:
    model = tiny()
    ids, mask = puzzles.lessons(["47=", "123="], "direct")
    loss = answer_loss(model(ids), ids, mask)
    other = ids.clone()
    other[0, -1] = 3  # filling of the shorter text
    assert answer_loss(model(other), other, mask).item() == pytest.approx(loss.item())


def test_exact_matches_are_what_greedy_generation_writes() -> None:
    model = tiny()
    asked = puzzles.questions(64, 2)
    ids, mask = puzzles.lessons(asked, "direct")
    train_on_answers(model, ids, mask, 60, batch_size=16, learning_rate=1e-2)
    new, new_mask = puzzles.lessons(puzzles.questions(40, 2, seed=5), "direct")
    found = exact_matches(model, new, new_mask)
    written = torch.stack(list(generate(model, new[:, :3], 3)), dim=1)
    assert torch.equal(found, (written == new[:, 3:]).all(dim=1))
    assert 0 < found.sum() < 40


def test_frozen_parameters_stay_and_training_is_repeatable() -> None:
    ids, mask = puzzles.lessons(puzzles.questions(32, 2))
    curves = []
    for _ in range(2):
        model = tiny()
        model.token_embedding.requires_grad_(False)
        before = model.token_embedding.weight.clone()
        curves.append(train_on_answers(model, ids, mask, 5, held_out=(ids, mask)))
        assert torch.equal(model.token_embedding.weight, before)
    assert curves[0] == curves[1]
    assert curves[0].steps == [5]


def test_another_loss_is_what_is_gone_down_on() -> None:
    ids, mask = puzzles.lessons(["47=", "123="], "direct")
    own = train_on_answers(tiny(), ids, mask, 3, batch_size=2).losses
    twice = train_on_answers(
        tiny(), ids, mask, 3, batch_size=2, loss=lambda *given: 2 * answer_loss(*given)
    ).losses
    assert twice[0] == pytest.approx(2 * own[0])


def test_it_stops_when_enough_is_right() -> None:
    ids, mask = puzzles.lessons(["1=", "2="], "direct")
    held_out = (ids, mask)
    history = train_on_answers(
        tiny(), ids, mask, 300, learning_rate=1e-2, held_out=held_out, evaluate_every=5, until=1.0
    )
    assert history.exact[-1] == 1.0
    assert len(history.losses) == history.steps[-1] < 300


def test_a_mask_that_marks_nothing_is_refused() -> None:
    ids, mask = puzzles.lessons(["47=", "123="])
    with pytest.raises(ValueError, match="text 1 marks nothing"):
        train_on_answers(tiny(), ids, mask & torch.tensor([[True], [False]]), 1)
    with pytest.raises(ValueError, match="give \\(texts, tokens\\)"):
        train_on_answers(tiny(), ids, mask[:, 1:], 1)
    with pytest.raises(ValueError, match="marks nothing to learn"):
        answer_loss(tiny()(ids), ids, mask & False)
    with pytest.raises(ValueError, match="its mask 1"):
        fill_up([[1, 2]], [[True]])


def test_a_model_learns_from_rewards_alone() -> None:
    """A bandit with a known best answer: after `5=` only the token 7 is paid."""
    model = tiny()
    prompt = torch.tensor([puzzles.encode("5=")])

    def reward(ids: torch.Tensor) -> list[float]:
        return (ids[:, 2] == 7).float().tolist()

    options = {"max_new_tokens": 2, "stop_ids": [7], "group": 64, "learning_rate": 1e-2}
    told = self_teach(model, prompt, reward, 30, **options)
    assert told.rewards[0] < 0.3
    assert told.rewards[-1] > 0.9


def test_what_follows_the_end_is_not_learned() -> None:
    seen = []

    def reward(ids: torch.Tensor) -> list[float]:
        seen.append(ids)
        return [0.0] * len(ids)

    prompt = torch.tensor([puzzles.encode("5=")])
    self_teach(tiny(), prompt, reward, 1, max_new_tokens=6, stop_ids=range(8), group=32)
    for row in seen[0]:
        stops = [t for t in range(2, len(row)) if 0 <= row[t] < 8]
        first = stops[0] if stops else len(row) - 1
        assert (row[first + 1 :] == -1).all()
        assert (row[: first + 1] >= 0).all()
