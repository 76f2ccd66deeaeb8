"""Chapter 08, from scores to a token: the likeliest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone, in_pairs

# 8.1 · greedy


def greedy_step(logits: Tensor) -> Tensor:
    """The next token of each text: the largest logit at its last place.  (B, T, V) -> (B,)"""
    return logits[:, -1].argmax(dim=-1)


_PLACES: dict[str, Callable[[Tensor], Tensor]] = {
    "first place": lambda x: x[:, 0],
    "before the last": lambda x: x[:, -2] if x.shape[1] > 1 else x[:, -1],
    "last text": lambda x: x[-1],
    "first text": lambda x: x[0],
    "every place": lambda x: x,
    "all together": lambda x: x.flatten(1),
    "mean of places": lambda x: x.mean(1),
    "largest of places": lambda x: x.amax(1),
    "last column": lambda x: x[..., -1],
}
_CHOICES: dict[str, Callable[[Tensor], Any]] = {
    "the logit": lambda rows: rows.amax(-1),
    "the chance": lambda rows: rows.softmax(-1).amax(-1),
    "sorted first": lambda rows: rows.sort(descending=True).values.argmax(-1),
    "sorted up": lambda rows: rows.sort().values.argmax(-1),
    "least": lambda rows: rows.argmin(-1),
    "second": lambda rows: rows.argsort(dim=-1, descending=True, stable=True)[..., 1],
    "across texts": lambda rows: rows.argmax(0),
    "no dim": lambda rows: rows.argmax(),
    "one of the batch": lambda rows: rows[:1].argmax(-1),
    "absolute": lambda rows: rows.abs().argmax(-1),
    "last of equal": lambda rows: rows.shape[-1] - 1 - rows.flip(-1).argmax(-1),
    "axis too many": lambda rows: rows.argmax(-1, keepdim=True),
    "both": lambda rows: tuple(rows.max(-1)),
    "one-hot": lambda rows: (rows == rows.amax(-1, keepdim=True)).int(),
    "thrown": lambda rows: torch.multinomial(rows.softmax(-1), 1)[:, 0],
    "chances": lambda rows: rows.softmax(-1),
    "all sorted": lambda rows: rows.argsort(dim=-1, descending=True, stable=True),
    "from 1": lambda rows: rows.argmax(-1) + 1,
}


def _greedy(logits: Tensor, *, wrong: Wrong = frozenset()) -> Any:
    """The step, with a bend where a wrong turn wants one."""

    def chosen(slips: Mapping[str, Any], usual: Any) -> Any:
        return next((slips[slip] for slip in wrong & slips.keys()), usual)

    rows = chosen(_PLACES, lambda x: x[:, -1])(logits)
    return chosen(_CHOICES, lambda rows: rows.argmax(-1))(rows)


_SAID = {
    "first place": "You read the scores at the first place, which say what follows the first "
    "token: the next token of the text is scored at the last, logits[:, -1].",
    "before the last": "You read the scores before the last place: they say what the last token "
    "is. The next one is scored at the last, logits[:, -1].",
    "last text": "You took the last text: the places are the second axis, logits[:, -1].",
    "first text": "You took the first text: the places are the second axis, logits[:, -1].",
    "every place": "These are tokens for every place: only what follows the last place is new, so "
    "take logits[:, -1] first.",
    "all together": "You looked for the largest logit of all places together: the last place alone "
    "scores the next token.",
    "mean of places": "You joined the scores of all places, as a mean or a sum: the last place "
    "alone scores the next token.",
    "largest of places": "You took the largest over the places: the last place alone scores the "
    "next token.",
    "last column": "You took the last token's scores at all places: the places are the second "
    "axis, logits[:, -1].",
    "the logit": "This is the largest logit itself: the token is where it stands, argmax instead "
    "of max.",
    "the chance": "This is the chance of the token: return its id, argmax.",
    "sorted first": "You sorted first, and then the largest stands at place 0 in every row: a rank "
    "is no id. Ask the logits as they are.",
    "sorted up": "You sorted first, and then the largest stands at the end of every row: a rank is "
    "no id. Ask the logits as they are.",
    "least": "This is the least likely token: argmax, not argmin.",
    "second": "This is the second likeliest token: take the first.",
    "across texts": "You compared the texts with each other: each row has a token of its own, "
    "dim=-1.",
    "no dim": "`argmax` without dim counts through the whole batch: give dim=-1.",
    "one of the batch": "Only the first text got a token: one for each of the batch.",
    "absolute": "You took the logit furthest from 0: a large negative one makes a token unlikely, "
    "so without abs.",
    "last of equal": "Of equal logits you took the last: take the lowest id.",
    "axis too many": "There is an axis too many: one id a text, (B,), not (B, 1).",
    "both": "`max` gives the logits and the ids: return the ids alone, or take argmax.",
    "one-hot": "This marks the largest logit in a row of V: return its id.",
    "thrown": "You threw a dart: greedy always takes the largest.",
    "chances": "These are all the chances: return the id of the largest.",
    "all sorted": "These are all ids, the likeliest first: return the first alone.",
    "from 1": "The ids are one too high: they count from 0.",
}
_OFTEN = (
    "first place",
    "last text",
    "all together",
    "mean of places",
    "the logit",
    "the chance",
    "least",
    "across texts",
    "no dim",
    "axis too many",
    "both",
)
_APART = [
    "first place | last text | all together | mean of places",
    "the logit | the chance | least | across texts | no dim | axis too many | both",
    "all together | across texts",
    "last text | no dim",
]


def _by_max(logits: Tensor) -> Tensor:
    rows = logits[:, -1].tolist()
    return torch.tensor([max(range(len(row)), key=row.__getitem__) for row in rows])


GREEDY = Exercise(
    id="8.1",
    title="The greedy step",
    minutes=3,
    stars=1,
    reference=greedy_step,
    probes=[
        (
            torch.tensor(
                [
                    [[0.4, 1.9, -0.3, 0.8], [2.2, -0.6, 0.1, 1.3]],
                    [[1.1, -0.2, 3.0, 0.5], [-1.4, 0.7, 0.3, 2.6]],
                    [[-0.9, 2.4, 1.0, 0.2], [0.6, -2.0, 1.5, 0.9]],
                ]
            ),
        ),
        (torch.tensor([[[4.0, 0.0, 1.0], [-3.0, -1.0, -0.5]]]),),
        (torch.tensor([[[0.0, 1.0, 0.0, 1.0]], [[2.0, -7.0, 2.0, 2.0]]]),),
        (torch.tensor([[[0.5, 2.0, 1.0]]]),),
        (uniform(3, 4, 5, seed=811),),
        (uniform(4, 2, 9, seed=812, low=-9.0, high=-1.0),),
    ],
    mistakes=alone(_greedy, _SAID)
    | {
        "Your search begins at 0, and all scores may lie below: begin at −math.inf, or with the "
        "first.": lambda x: x[:, -1].argmax(dim=-1) * (x[:, -1].amax(dim=-1) > 0),
        "You read the scores at the last place but one, which a text of one token doesn't have: "
        "the next one is scored at the last, logits[:, -1].": lambda x: x[:, -2].argmax(dim=-1),
    },
    together=in_pairs(_greedy, {slip: _SAID[slip] for slip in _OFTEN}, apart=_APART),
    alternatives={
        "max in plain Python": _by_max,
        "numpy": lambda x: np.argmax(x.numpy()[:, -1], axis=-1),
        "the softmax first": lambda x: x.double().softmax(-1)[:, -1, :].argmax(1),
        "where it equals the maximum": lambda x: torch.tensor(
            [int((row == row.max()).nonzero()[0, 0]) for row in x[:, -1]]
        ),
    },
)
