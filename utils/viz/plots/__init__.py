"""Every figure of the course: functions that take data and return a `Picture`."""

from utils.viz.plots.curves import bars, heatmap, histogram, lines, pie_pair, scatter_with_fit

__all__ = ["bars", "heatmap", "histogram", "lines", "pie_pair", "scatter_with_fit"]
