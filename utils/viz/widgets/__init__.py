"""Every interactive piece of the course: an `Explorer` over a figure, or a small tool."""

from utils.viz.widgets.attention import attention_explorer, words_of
from utils.viz.widgets.bandwidth import bandwidth_explorer
from utils.viz.widgets.beam_tree import beam_explorer
from utils.viz.widgets.chat import ChatBox
from utils.viz.widgets.dart_board import dart_explorer
from utils.viz.widgets.first_story import story_explorer
from utils.viz.widgets.forward_pass import pass_explorer
from utils.viz.widgets.line import line_by_hand
from utils.viz.widgets.live_loss import LossPlot
from utils.viz.widgets.pie import pies_of_a_story
from utils.viz.widgets.stepper import step_explorer
from utils.viz.widgets.tokens import TokenPlayground
from utils.viz.widgets.votes import vote_explorer

__all__ = [
    "ChatBox",
    "LossPlot",
    "TokenPlayground",
    "attention_explorer",
    "bandwidth_explorer",
    "beam_explorer",
    "dart_explorer",
    "line_by_hand",
    "pass_explorer",
    "pies_of_a_story",
    "step_explorer",
    "story_explorer",
    "vote_explorer",
    "words_of",
]
