"""The recall model: encoding, training, switching heads off, the linear twin."""

from __future__ import annotations

import pytest
import torch

from utils.llm.attention import recall
from utils.llm.machine.costs import Watch, cost_of_each

VOCABULARY = ("<end>", "a", "b", "c")


def small(**options: object) -> recall.RecallModel:
    torch.manual_seed(0)
    return recall.RecallModel(7, d_model=12, n_heads=3, **options).eval()


def test_targets_are_the_next_inputs_and_filling_is_ignored() -> None:
    inputs, targets = recall.encode([["a", "b", "c"], ["c"]], VOCABULARY)
    assert inputs.tolist() == [[0, 1, 2, 3], [0, 3, 0, 0]]
    assert targets.tolist() == [[1, 2, 3, 0], [3, 0, recall.IGNORED, recall.IGNORED]]


def test_a_word_that_is_not_in_the_vocabulary_is_named() -> None:
    with pytest.raises(ValueError, match="'dragon'"):
        recall.encode([["a", "dragon"]], VOCABULARY)


@pytest.mark.parametrize("kind", [recall.rotary_attention, recall.LinearSelfAttention])
def test_no_word_sees_a_later_one(kind: recall.MakeAttention) -> None:
    model, ids = small(attention=kind), torch.randint(7, (2, 9))
    changed = ids.clone()
    changed[:, 5] = (changed[:, 5] + 1) % 7
    before, after = model(ids), model(changed)
    torch.testing.assert_close(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5], after[:, 5])


@pytest.mark.parametrize("kind", [recall.rotary_attention, recall.LinearSelfAttention])
def test_a_head_that_is_switched_off_hands_on_nothing(kind: recall.MakeAttention) -> None:
    model, ids = small(attention=kind), torch.randint(7, (2, 9))
    all_on, head_mask = torch.ones(2, 3), torch.ones(2, 3)
    head_mask[1, 2] = 0
    expected = model(ids, head_mask=head_mask)
    assert not torch.allclose(expected, model(ids))
    assert torch.allclose(model(ids, head_mask=all_on), model(ids))
    with torch.no_grad():  # the columns of `out` that read head 2 are its last four
        model.layers[1].out.weight[:, 8:] = 0
    assert torch.allclose(model(ids), expected, atol=1e-6)


def test_the_maps_are_causal_rows_that_sum_to_one() -> None:
    maps = small().maps(torch.randint(7, (2, 9)))
    assert maps.shape == (2, 2, 3, 9, 9)
    assert torch.allclose(maps.sum(-1), torch.ones(2, 2, 3, 9))
    assert not maps.triu(1).any()


def test_the_loss_of_what_can_be_known_falls_and_repeats() -> None:
    inputs = torch.tensor([[0, 1, 2, 3]] * 40 + [[0, 3, 2, 1]] * 40)
    targets = torch.tensor([[1, 2, 3, 0]] * 40 + [[3, 2, 1, 0]] * 40)
    runs = []
    for _ in range(2):
        torch.manual_seed(0)
        model = recall.RecallModel(4, d_model=16, n_heads=2)
        runs.append(recall.train_recall(model, inputs, targets, 120, batch_size=16))
    assert runs[0] == runs[1]
    # One word in four is a toss-up of two, which costs a quarter of a bit a word.
    assert sum(runs[0][-20:]) / 20 == pytest.approx(0.25, abs=0.03)
    assert not model.training


def test_each_row_comes_once_before_any_comes_again() -> None:
    lengths = torch.tensor([3, 9, 9, 3, 5, 5, 3, 9, 5, 3])
    batches = list(recall._batches(lengths, 4, 6, seed=1))
    rows = torch.cat(batches).tolist()
    assert sorted(rows[:10]) == sorted(rows[10:]) == list(range(10))
    assert rows[:10] != rows[10:]
    spans = sorted((lengths[batch].min().item(), lengths[batch].max().item()) for batch in batches)
    assert spans == [(3, 3), (3, 3), (5, 9), (5, 9), (9, 9), (9, 9)]


def test_what_fills_up_a_whole_batch_is_cut_off() -> None:
    seen = []

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scores = torch.nn.Parameter(torch.zeros(4))

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            seen.append(tuple(ids.shape))
            return self.scores.expand(*ids.shape, 4)

    ids = torch.ones(6, 9, dtype=torch.long)
    targets = ids.clone()
    targets[:3, 5:] = recall.IGNORED
    recall.train_recall(Model(), ids, targets, 4, batch_size=3)
    assert sorted(seen) == [(3, 5), (3, 5), (3, 9), (3, 9)]


def test_an_interrupt_keeps_what_was_learned(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = iter(range(3))

    def stop(parameters: object, norm: float) -> None:
        if next(steps, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", stop)
    ids = torch.ones(8, 4, dtype=torch.long)
    losses = recall.train_recall(small(), ids, ids, 9, batch_size=4, report=1)
    assert len(losses) == 3
    out = capsys.readouterr().out
    assert "step 3 of 9" in out
    assert "interrupted after 3 of 9 steps" in out


def test_the_largest_tensor_is_the_table() -> None:
    x = torch.ones(50, 3)
    with Watch() as watch:
        (x @ x.T).softmax(-1) @ x
    assert (watch.largest_numbers, watch.largest_bytes) == (2_500, 10_000)
    measured = cost_of_each({"table": lambda: x @ x.T, "sum": lambda: x.sum()}, rounds=2)
    assert measured["table"].largest_bytes == 10_000
    assert measured["sum"].largest_bytes == 4
    assert 0 < measured["table"].seconds < 1


def test_touched_are_the_numbers_read_and_written_and_views_read_none() -> None:
    x = torch.ones(50, 3)
    with Watch() as watch:
        x.T[:2].sum()
    assert watch.touched == 101
    with Watch() as watch:
        torch.cat([x, x])
    assert watch.touched == 600
