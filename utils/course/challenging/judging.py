"""Trains an entry within its budget, and judges what has come of it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from utils.course.challenging.entry import Entry
from utils.course.challenging.table import Line
from utils.data import storyworld
from utils.data.storyworld import judge as story_judge
from utils.data.storyworld.model import fresh_story_model
from utils.data.storyworld.scores import bits_per_word, true_bits_per_word
from utils.data.storyworld.tokens import stream
from utils.llm.gpt.model import GPT
from utils.llm.sampling import Sampler
from utils.llm.training.callbacks import Callback
from utils.llm.training.loop import train

N_STORIES, N_HELD_OUT, N_WRITTEN = 30_000, 200, 200
SEED, HELD_OUT_SEED = 0, 1001


def compete(entry: Entry, callbacks: Sequence[Callback] = ()) -> Line | None:
    """Train an entry to the end of its budget and judge it; None where it was interrupted."""
    model = fresh_story_model(entry.model, seed=entry.training.seed)
    text = stream(storyworld.stories(N_STORIES, seed=SEED))
    history = train(model, text, None, entry.training, callbacks)
    if len(history.losses) < entry.training.steps:
        return None
    return judged(entry, model, history.seconds)


def judged(entry: Entry, model: GPT, seconds: float) -> Line:
    """The line of a trained model: bits on held-out stories, and possible ones of those it writes.

    It writes at temperature 1, by what it believes and nothing else.
    """
    held_out = storyworld.stories(N_HELD_OUT, seed=HELD_OUT_SEED)
    bits, floor = bits_per_word(model, held_out), true_bits_per_word(held_out)
    written = story_judge.write_stories(model, N_WRITTEN, Sampler(), seed=1)
    return Line(
        name=entry.name,
        bits=round(bits, 4),
        above=round(100 * (bits / floor - 1), 2),
        possible=round(100 * story_judge.judge(written).possible, 1),
        parameters=model.num_parameters(),
        steps=entry.training.steps,
        operations=entry.operations,
        seconds=round(seconds, 1),
        settings=json.dumps(entry.chosen),
    )
