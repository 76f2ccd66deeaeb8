"""How well a word-level model knows the story world: its bits per word, and what it recalls."""

import math
from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import nn

from utils.data.storyworld import world as storyworld
from utils.data.storyworld.tokens import END_ID, encode, stream
from utils.llm.training.evaluation import context_of, evaluate

__all__ = ["bits_per_word", "recall_accuracy", "true_bits_per_word"]


def bits_per_word(model: nn.Module, stories: Sequence[str], batch_size: int = 32) -> float:
    """Cross-entropy of the model on whole stories, in bits per word.

    All of a story is counted, its end too, which is certain and costs a good model nothing; the
    sum is divided by the number of words, END not being one. So it compares with
    `storyworld.entropy_per_word()`, and on these very stories with `true_bits_per_word`.
    """
    words, ids = _words(stories), stream(stories)
    nats = evaluate(model, ids, batch_size=batch_size, start_token=END_ID) * (len(ids) - 1)
    return nats / math.log(2) / words


def true_bits_per_word(stories: Sequence[str]) -> float:
    """The same for the story world itself: what these stories cost whoever knows it perfectly.

    On many stories it comes close to `storyworld.entropy_per_word()`, by chance above or below.
    """
    return -sum(storyworld.log2_probability(story) for story in stories) / _words(stories)


def _words(stories: Sequence[str]) -> int:
    count = sum(len(story.split()) for story in stories)
    if not count:
        raise ValueError("There is no word in these stories; give at least one story.")
    return count


@torch.no_grad()
def recall_accuracy(
    model: nn.Module, stories: Sequence[str], batch_size: int = 32
) -> dict[str, float]:
    """How often the model's likeliest word is right where a fact told before must come again.

    From the kind of fact (name, colour, weather, …), sorted, to a share from 0 to 1. What lies
    beyond the model's context_length in a story is left out.
    """
    device, room = next(model.parameters()).device, context_of(model)
    right: defaultdict[str, list[bool]] = defaultdict(list)
    was_training = model.training
    model.eval()
    for first in range(0, len(stories), batch_size):
        some = stories[first : first + batch_size]
        rows = [torch.tensor([END_ID, *encode(story)])[: room + 1] for story in some]
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        guesses = model(ids[:, :-1].to(device)).argmax(-1).cpu()  # (B, T), of the word after each
        for story, row, guess in zip(some, rows, guesses, strict=True):
            for index, kind, _ in storyworld.recalls(story):
                if index < room:
                    right[kind].append(bool(guess[index] == row[index + 1]))
    model.train(was_training)
    return {kind: sum(found) / len(found) for kind, found in sorted(right.items())}
