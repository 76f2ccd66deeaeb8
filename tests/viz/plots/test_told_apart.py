"""Curves are told apart by more than their colour."""

from __future__ import annotations

import numpy as np
import pytest

from utils.viz import plots
from utils.viz.plots import curves, learning

X = np.arange(5.0)
FIVE = {name: (X, i + X) for i, name in enumerate(("model", "a", "b", "c", "d"))}


def looks(monkeypatch, module, make):
    """Of each curve drawn with a name of its own: its dashes and its marker."""
    seen = []
    monkeypatch.setattr(module, "picture", lambda fig, *args, **kwargs: seen.append(fig))
    make()
    drawn = [line for line in seen[0].axes[0].lines if line.get_label() in {*FIVE}]
    return [(line._dash_pattern, line.get_marker()) for line in drawn]


@pytest.mark.parametrize("markers", [False, True])
def test_no_two_curves_have_the_same_dashes(markers, monkeypatch):
    drawn = looks(monkeypatch, curves, lambda: plots.lines(FIVE, "x", "y", "!", markers=markers))
    assert len({str(dashes) for dashes, _ in drawn}) == len(FIVE)
    assert len({marker for _, marker in drawn}) == (len(FIVE) if markers else 1)


def test_fitted_lines_have_dashes_of_their_own(monkeypatch):
    fits = {name: (1.0, float(i)) for i, name in enumerate(FIVE)}
    drawn = looks(monkeypatch, learning, lambda: plots.fitted_lines(X, X, fits, "!"))
    assert len({str(dashes) for dashes, _ in drawn}) == len(FIVE)
