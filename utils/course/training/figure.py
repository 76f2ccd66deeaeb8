"""The loss of a training as a picture."""

from __future__ import annotations

import math

import numpy as np

from utils.data.storyworld import world as storyworld
from utils.llm.training.config import History
from utils.viz import plots
from utils.viz.picture import Picture


def loss_figure(history: History, stories: bool) -> Picture:
    """Loss of the batches, smoothed, and of the validation part against steps, in bits per token.

    For stories, whose tokens are words, the floor of the story world is drawn too.
    """
    steps = np.arange(1, len(history.losses) + 1)
    width = max(1, len(steps) // 100)
    kernel = np.ones(width) / width
    smooth = np.convolve(history.losses, kernel, mode="valid") / math.log(2)
    series = {
        "batches, smoothed": (steps[width - 1 :], smooth),
        "model, validation": (history.steps, np.array(history.val_loss) / math.log(2)),
    }
    unit = "bits per word" if stories else "bits per token"
    last = history.val_loss[-1] / math.log(2)
    return plots.lines(
        series,
        "step",
        unit,
        f"After {len(steps):,} steps the model needs {last:.3f} {unit}",
        floor=storyworld.entropy_per_word() if stories else None,
        log_x=len(steps) > 10,
        digits=2,
    )
