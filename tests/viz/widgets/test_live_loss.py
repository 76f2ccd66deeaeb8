"""The picture of a training under way."""

import io
from types import SimpleNamespace

import matplotlib.image
import pytest

from utils.llm.training.callbacks import Report
from utils.llm.training.config import History, TrainConfig
from utils.viz.widgets import LossPlot


def report(steps, val=()):
    history = History([2.0] * steps, [0.1] * steps, [1.0] * steps)
    history.steps, history.val_loss = [at for at, _ in val], [loss for _, loss in val]
    return Report(None, TrainConfig(steps=40), history)


def test_it_is_shown_once_and_then_only_changed(monkeypatch):
    shown, times = [], iter([0.0, 1.0, 4.0, 4.0, 5.0])
    monkeypatch.setattr("utils.viz.widgets.live_loss.display", lambda *a, **k: shown.append(a[0]))
    monkeypatch.setattr("utils.viz.widgets.live_loss.time.monotonic", lambda: next(times))
    plot = LossPlot({"2-gram": 2.0}, floor=0.5, every=3.0)
    plot.on_start(report(0))  # drawn at 0
    first = plot.image.value
    plot.on_step(report(20))  # at 1: too early
    assert plot.image.value == first
    plot.on_step(report(20))  # at 4
    assert plot.image.value != first
    before = plot.image.value
    plot.on_end(report(40, [(40, 1.0)]))  # whenever that is
    assert plot.image.value != before
    assert matplotlib.image.imread(io.BytesIO(plot.image.value)).ndim == 3
    assert len(shown) == 1
    assert {"image/png", "text/plain", "application/vnd.jupyter.widget-view+json"} <= set(shown[0])


def test_the_last_picture_is_left_in_the_notebook(monkeypatch):
    left = []
    handle = SimpleNamespace(update=lambda data, **_: left.append(data))
    monkeypatch.setattr("utils.viz.widgets.live_loss.display", lambda *_, **__: handle)
    plot = LossPlot()
    plot.on_start(report(0))
    plot.on_end(report(40))
    assert "Step 40 of 40" in left[-1]["text/plain"]
    assert left[-1]["image/png"] == bytes(plot.image.value)


def test_the_points_are_means_of_ten_steps_in_bits():
    drawn = LossPlot({"2-gram": 2.0}, floor=0.5).figure(report(25, [(20, 1.3863)]))
    assert "what it reads: 10: 2.9, 20: 2.9" in drawn.twin
    assert "held out: 20: 2\n" in drawn.twin
    assert "Step 25 of 40" in drawn.twin


def test_a_word_of_two_tokens_costs_twice_as_much():
    drawn = LossPlot({"2-gram": 2.0}, tokens_per_word=2.0).figure(report(25, [(20, 1.3863)]))
    assert "held out: 20: 4\n" in drawn.twin
    assert "bits per word" in drawn.twin
    assert "bits per token" in LossPlot().figure(report(25)).twin


def test_a_pause_of_nothing_is_refused():
    with pytest.raises(ValueError, match="every is 0"):
        LossPlot(every=0)


def test_a_word_without_tokens_is_refused():
    with pytest.raises(ValueError, match="tokens_per_word is 0"):
        LossPlot(tokens_per_word=0)
