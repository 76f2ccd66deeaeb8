"""Every figure of the course: functions that take data and return a `Picture`."""

from utils.viz.plots.curves import bars, heatmap, histogram, lines, pie_pair, scatter_with_fit
from utils.viz.plots.language import (
    bits_per_word,
    bytes_per_token,
    contexts,
    utf8_bits,
    window_examples,
    word_bits,
)
from utils.viz.plots.learning import decision, fitted_lines, line_and_bowl, loss_bowl, polynomials

__all__ = [
    "bars",
    "bits_per_word",
    "bytes_per_token",
    "contexts",
    "decision",
    "fitted_lines",
    "heatmap",
    "histogram",
    "line_and_bowl",
    "lines",
    "loss_bowl",
    "pie_pair",
    "polynomials",
    "scatter_with_fit",
    "utf8_bits",
    "window_examples",
    "word_bits",
]
