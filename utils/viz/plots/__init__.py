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

__all__ = [
    "bars",
    "bits_per_word",
    "bytes_per_token",
    "contexts",
    "heatmap",
    "histogram",
    "lines",
    "pie_pair",
    "scatter_with_fit",
    "utf8_bits",
    "window_examples",
    "word_bits",
]
