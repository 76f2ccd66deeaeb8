"""Every interactive piece of the course: an `Explorer` over a figure, or a small tool."""

from utils.viz.widgets.attention import attention_explorer, words_of
from utils.viz.widgets.bandwidth import bandwidth_explorer
from utils.viz.widgets.forward_pass import pass_explorer
from utils.viz.widgets.line import line_by_hand
from utils.viz.widgets.pie import pies_of_a_story
from utils.viz.widgets.tokens import TokenPlayground

__all__ = [
    "TokenPlayground",
    "attention_explorer",
    "bandwidth_explorer",
    "line_by_hand",
    "pass_explorer",
    "pies_of_a_story",
    "words_of",
]
