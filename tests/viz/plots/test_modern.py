"""The figures of chapter 11 say in their twins what they show."""

from __future__ import annotations

import torch

from utils.viz.picture import Picture
from utils.viz.plots import modern


def twin(shown: Picture) -> str:
    return shown._repr_mimebundle_()[0]["text/plain"]


def test_designs_tell_mean_and_range() -> None:
    said = twin(modern.designs({"old": [0.6, 0.7], "new": [0.5, 0.5]}, "New.", floor=0.4))
    assert "old 0.650 (0.600 to 0.700); new 0.500 (0.500 to 0.500)" in said


def test_turns_tell_their_step_and_its_sense() -> None:
    angles = torch.arange(4) * torch.pi / 6
    forward = torch.stack([angles.cos(), angles.sin()], dim=-1)
    said = twin(modern.turns({"on": forward, "back": forward * torch.tensor([1, -1])}, "Round."))
    assert "on: 30 degrees" in said
    assert "back: -30 degrees" in said


def test_neighbours_share_a_key() -> None:
    said = twin(modern.sharing(6, 2, "Three each."))
    assert "k, v 0: queries 0, 1, 2; k, v 1: queries 3, 4, 5" in said


def test_levels_that_are_used_are_counted() -> None:
    said = twin(modern.sixteen_levels([0.0, 0.5, 0.5, 1.0], torch.arange(16) / 10, "Few."))
    assert "4 weights from 0.000 to 1.000, on 3 of 16 levels 0.1000 apart" in said


def test_rivals_that_win_are_counted() -> None:
    said = twin(modern.likely_against_true({"near": [1, 5, 3]}, "One.", truth=[2, 2, 2]))
    assert "near: likelier than the truth in 1 of 3" in said
