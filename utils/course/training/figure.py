"""The loss of a training as a picture."""

from __future__ import annotations

import numpy as np

from utils.course.training.settings import Text
from utils.data.storyworld import world as storyworld
from utils.llm.training.config import History
from utils.viz import plots
from utils.viz.picture import Picture


def loss_figure(history: History, text: Text) -> Picture:
    """Loss of the batches, smoothed, and of the validation part against steps, in the text's unit.

    For stories the floor of the story world is drawn too.
    """
    steps = np.arange(1, len(history.losses) + 1)
    width = max(1, len(steps) // 100)
    kernel = np.ones(width) / width
    batches, held_out = text.scales
    smooth = np.convolve(history.losses, kernel, mode="valid") * batches
    series = {
        "batches, smoothed": (steps[width - 1 :], smooth),
        "model, validation": (history.steps, np.array(history.val_loss) * held_out),
    }
    best = min(history.val_loss) * held_out
    return plots.lines(
        series,
        "step",
        text.unit,
        f"In {len(steps):,} steps the model gets down to {best:.3f} {text.unit}",
        floor=storyworld.entropy_per_word() if text.unit == "bits per word" else None,
        log_x=len(steps) > 10,
        digits=2,
    )
