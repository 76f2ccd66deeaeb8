"""The small models of chapter 09: how each is built and trained.

All are GPTs of two layers, four heads and 64 columns, with 105,000 parameters. The shipped ones
lie in utils/data/checkpoints; `python -m utils.data.puzzles.make_checkpoints` makes them again.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from utils.data.puzzles import sums as puzzles
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.sampling.loop import generate, greedy
from utils.llm.tuning.answers import TuneHistory, fill_up, train_on_answers

__all__ = [
    "CONTEXT_LENGTH",
    "RECIPES",
    "Recipe",
    "complete",
    "judge",
    "log_chances",
    "new_model",
    "train_recipe",
]

CONTEXT_LENGTH = 48
N_LESSONS = 30_000
UNFIT = -1e6  # the score of what can't be judged


@dataclass(frozen=True)
class Recipe:
    """What a shipped model was taught: a form, sums of so many digits, for so many steps.

    In the checked form, up to a share `mistakes` of the lines are first written wrong.

    It stops where the share of held-out sums that it writes out right reaches `until`.
    """

    form: str
    digits: tuple[int, ...]
    steps: int
    mistakes: float = 0.0
    until: float | None = None
    context_length: int = CONTEXT_LENGTH


UP_TO_EIGHT = tuple(range(1, 9))
RECIPES = {
    "sums-direct": Recipe("direct", UP_TO_EIGHT, steps=1500),
    "sums-scratchpad": Recipe("scratchpad", UP_TO_EIGHT, steps=900),
    "sums-dots": Recipe("dots", (8,), steps=600),
    "sums-checked": Recipe("checked", (8,), steps=900, mistakes=1.0, context_length=80),
    "sums-half": Recipe("scratchpad", (8,), steps=500, until=0.5),
}


def new_model(seed: int = 0, context_length: int = CONTEXT_LENGTH) -> GPT:
    """An untrained model for the puzzles.

    Its start is wider than GPT-2's: a deviation of 1 for tokens and positions and 0.07 for the
    matrices, where GPT-2 has 0.02. A model of 64 columns learns to add modulo ten from there in
    some 200 steps, and from GPT-2's start not in 500.
    """
    torch.manual_seed(seed)
    config = GPTConfig(len(puzzles.VOCABULARY), context_length, 2, 4, 64, tied=False)
    model = GPT(config)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "embedding" in name:
                weights.mul_(50)
            elif weights.ndim >= 2:
                weights.mul_(3.5)
    return model


def train_recipe(recipe: Recipe, report: int = 0) -> tuple[GPT, TuneHistory]:
    """A new model, trained by a recipe, and how that went."""
    each = N_LESSONS // len(recipe.digits)
    asked = [question for n in recipe.digits for question in puzzles.questions(each, n)]
    lessons = puzzles.lessons(asked, recipe.form, mistakes=recipe.mistakes, seed=1)
    longest = puzzles.questions(300, max(recipe.digits), held_out=True)
    model = new_model(context_length=recipe.context_length)
    history = train_on_answers(
        model,
        *lessons,
        recipe.steps,
        batch_size=64,
        learning_rate=6e-3,
        held_out=puzzles.lessons(longest, recipe.form, mistakes=recipe.mistakes, seed=2),
        evaluate_every=5 if recipe.until else 100,
        until=recipe.until,
        report=report,
    )
    return model, history


def complete(
    model: GPT,
    starts: Sequence[str],
    *,
    sampler: Callable[..., Tensor] = greedy,
    n_samples: int = 1,
    seed: int = 0,
) -> list[list[str]]:
    """What a model writes after each start: a list of n_samples whole texts, start and all.

    A start is a question, or a question with a part of an answer. A text ends with its `;`, or
    unfinished where the context ends.
    """
    prompts = puzzles.prompts(starts)
    room = model.config.context_length - max(map(len, prompts))
    tokens = list(
        generate(model, prompts, room, sampler, [puzzles.END_ID], seed=seed, n_samples=n_samples)
    )
    rows = torch.stack(tokens, dim=1).tolist() if tokens else [[]] * (len(starts) * n_samples)
    texts = []
    for i, row in enumerate(rows):
        ended = -1 in row or len(row) < room
        texts.append(starts[i // n_samples] + puzzles.decode(row) + (";" if ended else ""))
    return [texts[i : i + n_samples] for i in range(0, len(texts), n_samples)]


@torch.no_grad()
def log_chances(model: GPT, texts: Sequence[str]) -> list[float]:
    """The logarithm of the chance, in nats, that a model writes each text after its question."""
    ids, mask = fill_up(
        [puzzles.encode(text) for text in texts],
        [[i > text.index("=") for i in range(len(text))] for text in texts],
    )
    log_p = model(ids[:, :-1]).log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]  # (N, T - 1)
    return (log_p * mask[:, 1:]).sum(dim=1).tolist()


@torch.no_grad()
def judge(model: GPT, texts: Sequence[str]) -> list[float]:
    """How sure a model of the checked form is of a scratchpad: the log of the chance of its sums.

    Each line of the scratchpad is shown to it, the lines before it checked; counted is the chance
    that it gives, in its check, to the very sum that stands there. A text that isn't made of whole
    lines, one for each digit of the question, gets `UNFIT`, less than any other and still a number:
    a search for the best may begin at −inf.
    """
    marked = [_as_checked(text) for text in texts]
    good = [i for i, text in enumerate(marked) if text is not None]
    scores = [UNFIT] * len(texts)
    if not good:
        return scores
    rows = [puzzles.encode(marked[i]) for i in good]
    masks = [[row[i + 1 : i + 2] == [puzzles.RIGHT_ID] for i in range(len(row))] for row in rows]
    ids, mask = fill_up(rows, masks)
    log_p = model(ids[:, :-1]).log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]  # (N, T - 1)
    for i, score in zip(good, (log_p * mask[:, 1:]).sum(dim=1).tolist(), strict=True):
        scores[i] = score
    return scores


def _as_checked(text: str) -> str | None:
    """A scratchpad with every sum checked and found right, whatever it is."""
    question, _, rest = text.partition("=")
    lines = rest.partition(":")[0]
    if not re.fullmatch(rf"(\d\d){{{len(question)}}}", lines):
        return None
    return f"{question}=" + re.sub(r"(\d)(\d)", r"\1\2\2✓", lines)
