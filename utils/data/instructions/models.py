"""The model that follows instructions: how it is trained, asked, and judged."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from utils.data.instructions import tasks as instructions
from utils.data.instructions.tasks import FACTS, obeyed
from utils.data.storyworld import world as storyworld
from utils.llm.gpt.model import GPT
from utils.llm.sampling.loop import Sampler, generate
from utils.llm.tuning.vocabulary import widen_vocabulary

__all__ = [
    "OPENING",
    "Obedience",
    "answers",
    "free_stories",
    "new_model",
    "obedience",
    "possible",
    "reply",
    "stories_with",
    "word_bits",
]

#: Words from the start of a story within which all four facts are told.
OPENING = 26
_LONGEST_STORY = 121
_BATCH = 100

Messages = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Obedience:
    """Shares of instructions whose answer has each fact, and all of them; from `n` answers."""

    facts: dict[str, float]
    all: float
    n: int


def new_model(base: GPT) -> GPT:
    """A copy of a story model with room for the words and marks of instructions, untrained."""
    model = widen_vocabulary(base, len(instructions.VOCABULARY))
    model.tokenizer = "stories-instruct"
    return model


def reply(
    model: nn.Module,
    chats: Sequence[Messages],
    *,
    max_new_tokens: int = _LONGEST_STORY,
    sampler: Callable[..., Tensor] | None = None,
    seed: int | None = 0,
) -> list[str]:
    """What a model answers to each conversation: words, up to its end mark or the longest.

    Without a sampler, tokens are drawn from the model's own distribution.
    """
    prompts = [torch.tensor(instructions.chat_ids(chat)) for chat in chats]
    texts: list[str] = []
    for first in range(0, len(prompts), _BATCH):
        some = prompts[first : first + _BATCH]
        drawn = generate(
            model, some, max_new_tokens, sampler or Sampler(), [instructions.END_ID], seed=seed
        )
        rows = zip(*(tokens.tolist() for tokens in drawn), strict=True)
        found = [" ".join(instructions.decode(i for i in row if i >= 0)) for row in rows]
        texts += found or [""] * len(some)
    return texts


def answers(model: nn.Module, asked: Sequence[str], **settings: object) -> list[str]:
    """What a model answers to each instruction alone; `settings` are those of `reply`."""
    return reply(model, [[{"role": "user", "content": text}] for text in asked], **settings)


def obedience(asked: Sequence[str | Mapping[str, str]], texts: Sequence[str]) -> Obedience:
    """How many instructions are obeyed, fact by fact and in all; each asks for all four facts."""
    judged = [obeyed(wish, text) for wish, text in zip(asked, texts, strict=True)]
    shares = {kind: sum(found[kind] for found in judged) / len(judged) for kind in FACTS}
    return Obedience(shares, sum(all(f.values()) for f in judged) / len(judged), len(judged))


def possible(texts: Sequence[str]) -> float:
    """The share of texts that are stories of the world from the first word to the last."""
    return sum(storyworld.is_possible(text, whole=True) for text in texts) / len(texts)


def free_stories(model: nn.Module, n: int, seed: int = 0) -> list[str]:
    """So many stories that a model writes when nothing is asked: behind an end mark alone."""
    start = torch.tensor([instructions.END_ID])
    drawn = generate(
        model, start, _LONGEST_STORY, Sampler(), [instructions.END_ID], seed=seed, n_samples=n
    )
    rows = zip(*(tokens.tolist() for tokens in drawn), strict=True)
    return [" ".join(instructions.decode(i for i in row if i >= 0)) for row in rows]


@torch.no_grad()
def word_bits(model: nn.Module, texts: Sequence[str]) -> list[Tensor]:
    """What each word of each text costs a model, in bits, when it begins behind an end mark."""
    found: list[Tensor] = []
    for first in range(0, len(texts), _BATCH):
        rows = [
            torch.tensor([instructions.END_ID, *instructions.encode(text)])
            for text in texts[first : first + _BATCH]
        ]
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True)  # (B, T)
        log_p = model(ids[:, :-1]).log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
        bits = -log_p / math.log(2)  # (B, T - 1)
        found += [row[: len(ids_of) - 1] for row, ids_of in zip(bits, rows, strict=True)]
    return found


def stories_with(facts: Mapping[str, str], n: int, seed: int = 0) -> list[str]:
    """So many stories that have these facts, drawn from the true distribution of such stories.

    The facts of a story are drawn independently, so it is enough to draw the others.
    """
    draw = random.Random(f"stories with {seed}")
    return [_told_with(facts, draw) for _ in range(n)]


def _told_with(facts: Mapping[str, str], draw: random.Random) -> str:
    words: list[str] = []
    steps = storyworld.story()
    chances = next(steps)
    with suppress(StopIteration):
        while True:
            word = _forced(facts, words, chances)
            if word is None:
                word = draw.choices(list(chances), list(chances.values()))[0]
            words.append(word)
            chances = steps.send(word)
    return " ".join(words)


def _forced(
    facts: Mapping[str, str], words: Sequence[str], chances: Mapping[str, float]
) -> str | None:
    """The word that a wanted fact asks for here, if it does."""
    if "colour" in facts and set(chances) == {"a", "an"} and len(words) == 2:
        return instructions.article(facts["colour"])
    place = len(words)
    kinds = {"name": place == 0, "colour": place == 3, "thing": place == 4}
    for kind, fact in facts.items():
        here = kinds.get(kind, words[-2:] == ["there", "was"])
        if here and fact in chances:
            return fact
    return None
