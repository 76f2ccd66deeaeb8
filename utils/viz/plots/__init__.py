"""Every figure of the course: functions that take data and return a `Picture`."""

from utils.viz.plots.attention import (
    attention_costs,
    before_and_after,
    head_maps,
    head_table,
    look_back,
    mask,
    masks,
)
from utils.viz.plots.blocks import (
    ablation_bars,
    bends,
    families,
    in_and_out,
    seed_curves,
    steps_on_numbers,
    training_curves,
)
from utils.viz.plots.curves import bars, heatmap, histogram, lines, pie_pair, scatter_with_fit
from utils.viz.plots.gpt import forward_pass_view, lens, parameter_shares
from utils.viz.plots.language import (
    bits_per_word,
    bytes_per_token,
    contexts,
    utf8_bits,
    window_examples,
    word_bits,
)
from utils.viz.plots.learning import decision, fitted_lines, line_and_bowl, loss_bowl, polynomials
from utils.viz.plots.reasoning import accuracy, accuracy_bars, vote_view
from utils.viz.plots.sampling import cuts, dart_board, judged, pies, tokens_read
from utils.viz.plots.smoothing import (
    bandwidth_panels,
    bandwidth_view,
    gradients_over_distance,
    nearness,
    scale_effects,
)
from utils.viz.plots.writing import beam_tree, step_of_writing

__all__ = [
    "ablation_bars",
    "accuracy",
    "accuracy_bars",
    "attention_costs",
    "bandwidth_panels",
    "bandwidth_view",
    "bars",
    "beam_tree",
    "before_and_after",
    "bends",
    "bits_per_word",
    "bytes_per_token",
    "contexts",
    "cuts",
    "dart_board",
    "decision",
    "families",
    "fitted_lines",
    "forward_pass_view",
    "gradients_over_distance",
    "head_maps",
    "head_table",
    "heatmap",
    "histogram",
    "in_and_out",
    "judged",
    "lens",
    "line_and_bowl",
    "lines",
    "look_back",
    "loss_bowl",
    "mask",
    "masks",
    "nearness",
    "parameter_shares",
    "pie_pair",
    "pies",
    "polynomials",
    "scale_effects",
    "scatter_with_fit",
    "seed_curves",
    "step_of_writing",
    "steps_on_numbers",
    "tokens_read",
    "training_curves",
    "utf8_bits",
    "vote_view",
    "window_examples",
    "word_bits",
]
