"""Stories that a model has written, judged by the story world: possible, likely, varied?

The story world knows every probability, so nothing here is a matter of taste. Three numbers say
what a sampler does: how many of its stories are possible at all, how surprising the possible ones
are to the world that they pretend to come from, and how many bits of chance the sampler itself has
put into a story, which is how varied it writes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from utils.data.storyworld import world as storyworld
from utils.data.storyworld.tokens import END_ID, decode
from utils.llm.sampling.loop import Sampler, draw, generate

__all__ = ["MOST_WORDS", "Verdict", "Written", "judge", "write_stories"]

MOST_WORDS = 130  # a story has 120 at most


@dataclass(frozen=True)
class Written:
    """Stories as lists of words, and for each the bits of chance that its sampler has put in.

    A story that did not come to its end within the words allowed is `unfinished`.
    """

    stories: list[list[str]]
    bits: list[float]
    unfinished: list[bool]


@dataclass(frozen=True)
class Verdict:
    """What the story world says of many stories.

    `possible` is the share of them that it could have told, from 0 to 1; `bits` the mean surprise
    −log₂ p of those, nan where there are none; `different` how many different ones are among them;
    `chance` the mean of the sampler's own bits of chance for a story, possible or not: an estimate
    of its entropy. `words` is the mean length of all, `n` their number.
    """

    n: int
    possible: float
    bits: float
    different: int
    chance: float
    words: float

    def as_row(self) -> dict[str, float | int | None]:
        """Rounded numbers for a record in JSON; None for what there is none of."""
        row = {key: round(value, 4) for key, value in asdict(self).items()}
        return {key: None if math.isnan(value) else value for key, value in row.items()}


def write_stories(
    model: nn.Module, n: int, sampler: Sampler, seed: int, most_words: int = MOST_WORDS
) -> Written:
    """Let a model that reads story tokens write n stories from their first word, all at once."""
    spent = torch.zeros(n, dtype=torch.float64)
    latest = torch.zeros(n, dtype=torch.float64)

    def draw_and_count(
        logits: Tensor, ids: Tensor | None, generator: torch.Generator | None
    ) -> Tensor:
        chances = sampler.probabilities(logits, ids)
        tokens = draw(chances, generator)
        taken = chances.double() / chances.double().sum(-1, keepdim=True)
        latest.copy_(-taken.gather(-1, tokens[:, None])[:, 0].log2())
        return tokens

    rows: list[Tensor] = []
    growing = torch.ones(n, dtype=torch.bool)
    start = torch.tensor([END_ID], device=next(model.parameters()).device)
    for tokens in generate(
        model, start, most_words, draw_and_count, stop_ids=[END_ID], seed=seed, n_samples=n
    ):
        rows.append(tokens.cpu())
        spent += latest * growing
        growing = rows[-1] >= 0
    if len(rows) < most_words:  # the last of them ended with a token that is not handed out
        spent += latest * growing
        growing = torch.zeros_like(growing)
    table = torch.stack(rows, dim=1) if rows else torch.empty(n, 0, dtype=torch.long)
    stories = [decode(row[row >= 0]) for row in table]
    return Written(stories, spent.tolist(), growing.tolist())


def judge(written: Written | Sequence[Sequence[str]]) -> Verdict:
    """The verdict on what was written, or on stories from elsewhere (their chance is then nan).

    Raises ValueError where there is no story.
    """
    if not isinstance(written, Written):
        stories = [list(story) for story in written]
        written = Written(stories, [math.nan] * len(stories), [False] * len(stories))
    n = len(written.stories)
    if not n:
        raise ValueError("There is no story to judge; give at least one.")
    surprises = {
        number: -storyworld.log2_probability([*story, storyworld.END])
        for number, story in enumerate(written.stories)
        if not written.unfinished[number]
    }
    possible = {number: bits for number, bits in surprises.items() if math.isfinite(bits)}
    return Verdict(
        n=n,
        possible=len(possible) / n,
        bits=sum(possible.values()) / len(possible) if possible else math.nan,
        different=len({tuple(written.stories[number]) for number in possible}),
        chance=sum(written.bits) / n,
        words=sum(map(len, written.stories)) / n,
    )
