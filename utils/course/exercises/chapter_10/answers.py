"""Chapter 10, first part: a loss on the answer alone, and what a model is shown around it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.compare import Remark, difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform
from utils.llm.tuning import answers as finetuning

# 10.1 · the loss mask


def answer_loss(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    """The mean of −ln p over the tokens that are to be learned, all texts together."""
    return finetuning.answer_loss(logits, ids, learned)


def _paid(logits: Tensor, ids: Tensor) -> Tensor:
    """−ln p of each token but the first, (B, T − 1)."""
    return -logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]


def _masked(
    logits: Tensor, ids: Tensor, learned: Tensor, *, mask: Callable[[Tensor], Tensor]
) -> Tensor:
    """The mean of what is paid where another mask, (B, T − 1), is True."""
    return _paid(logits, ids)[mask(learned)].mean()


def _own_token(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    return F.cross_entropy(logits[learned], ids[learned])


def _own_token_but_the_first(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    mask = learned.clone()
    mask[:, 0] = False
    return _own_token(logits, ids, mask)


def _backwards(mask: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """The loss that asks each place for the token before it, where a mask of (B, T − 1) is True."""

    def loss(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
        kept = mask(learned)
        return F.cross_entropy(logits[:, 1:][kept], ids[:, :-1][kept])

    return loss


def _over_all_marks(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    return (_paid(logits, ids) * learned[:, 1:]).sum() / learned.sum()


def _mean_of_means(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    paid, wanted = _paid(logits, ids), learned[:, 1:]
    return ((paid * wanted).sum(1) / wanted.sum(1)).mean()


def _over_all_tokens(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    return (_paid(logits, ids) * learned[:, 1:]).mean()


def _zeroed_logits(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    shown = logits[:, :-1] * learned[:, 1:, None]
    return F.cross_entropy(shown.flatten(0, 1), ids[:, 1:].flatten())


def _zeroed_targets(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    return _paid(logits, ids * learned).mean()


def _summed(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    return _paid(logits, ids)[learned[:, 1:]].sum()


def _by_loop(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    found = []
    for text, scores in enumerate(logits.double()):
        for place in range(1, ids.shape[1]):
            if learned[text, place]:
                before = scores[place - 1]
                found.append(before.logsumexp(0) - before[ids[text, place]])
    return sum(found) / len(found)


def _by_ignoring(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    targets = ids.masked_fill(~learned, -100)[:, 1:]
    return F.cross_entropy(logits[:, :-1].transpose(1, 2), targets)


def _by_weights(logits: Tensor, ids: Tensor, learned: Tensor) -> Tensor:
    weights = learned[:, 1:].double()
    return (_paid(logits, ids) * weights).sum() / weights.sum()


def _texts(v: int, *marks: str) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, ids and a mask, from a row of characters a text: x is to be learned."""
    learned = torch.tensor([[mark == "x" for mark in row] for row in marks])
    seed = 1000 + 10 * v + learned.numel()
    ids = torch.randint(v, learned.shape, generator=torch.Generator().manual_seed(seed))
    return uniform(*learned.shape, v, seed=seed), ids, learned


def trained_through(
    answer: Callable[..., Any], logits: Tensor, ids: Tensor, learned: Tensor
) -> Any:
    """Call an answer that the chapter trains by: a loss that is right must have a gradient, too."""
    loss = answer(logits.requires_grad_(), ids, learned)
    if difference(answer_loss(logits, ids, learned), loss):
        return loss
    if not isinstance(loss, Tensor):
        return Remark(
            "The number is right, but a plain number has no gradient, so nothing can learn from "
            "it: return the tensor, without .item() or float()."
        )
    return (
        loss
        if loss.requires_grad
        else Remark(
            "The number is right, but autograd finds no way back from it to the logits, so nothing "
            "can learn from it: leave out detach, .data and no_grad."
        )
    )


ANSWER_LOSS = Exercise(
    id="10.1",
    title="The loss mask",
    minutes=10,
    stars=2,
    reference=answer_loss,
    probes=[
        _texts(2, ".x"),
        _texts(3, "..x"),
        _texts(4, "..xx."),
        _texts(5, "..xx..", ".xxxx."),
        _texts(6, "x.xx.", "...xx", "xxxxx"),
        _texts(7, "...xxxx..", "..xxxxxxx", ".....x...", "....xx..."),
    ],
    mistakes={
        "The mask is shifted by one: the logits at place t speak of token t + 1, so take the mask "
        "of the token that is spoken of, learned[:, 1:].": partial(
            _masked, mask=lambda learned: learned[:, :-1]
        ),
        "The loss is on the prompt, too: only the tokens marked in `learned` count.": partial(
            _masked, mask=lambda learned: torch.ones_like(learned[:, 1:])
        ),
        "The mask is turned round: this learns the prompt and leaves out the answer.": partial(
            _masked, mask=lambda learned: ~learned[:, 1:]
        ),
        "Each place is asked for its own token: the logits at place t speak of token t + 1.": (
            _own_token
        ),
        "Leaving out the first place is no shift: each place is still asked for its own token. "
        "The logits at place t speak of token t + 1.": _own_token_but_the_first,
        "The shift goes the wrong way: place t + 1 is asked for token t, which it has read. "
        "logits[:, :-1] goes with ids[:, 1:] and learned[:, 1:].": _backwards(
            lambda learned: learned[:, :-1]
        ),
        "The shift goes the wrong way: place t + 1 is asked for token t, which it has read. The "
        "mask is the right one: logits[:, :-1] goes with ids[:, 1:].": _backwards(
            lambda learned: learned[:, 1:]
        ),
        "You divided by the number of all marks, and the first token of a text is never asked "
        "for, whatever its mark: count learned[:, 1:].": _over_all_marks,
        "This is a mean of each text's mean, so a token of a short answer counts for more. Take "
        "one mean over all marked tokens.": _mean_of_means,
        "You divided by all tokens, prompt and filling among them: divide by the number of marked "
        "ones.": _over_all_tokens,
        "Setting logits to zero doesn't leave a token out: it says that all tokens are equally "
        "likely there, and that costs ln V.": _zeroed_logits,
        "Setting ids to zero doesn't leave a token out: it asks for token 0 there.": (
            _zeroed_targets
        ),
        "The losses were summed: take their mean.": _summed,
        "The sign is missing: a loss is −ln p.": lambda *args: -answer_loss(*args),
        "The loss is in bits: take natural logarithms, as PyTorch does.": (
            lambda *args: answer_loss(*args) / torch.tensor(2.0).log()
        ),
    },
    alternatives={
        "a loop": _by_loop,
        "targets of −100": _by_ignoring,
        "weights of 0 and 1": _by_weights,
        "pick first, then cross_entropy": lambda logits, ids, learned: F.cross_entropy(
            logits[:, :-1][learned[:, 1:]], ids[:, 1:][learned[:, 1:]]
        ),
    },
    call=trained_through,
)

# 10.2 · the instruction template

END, SYSTEM, USER, ASSISTANT = "<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>"
Framed = tuple[list[str], list[bool]]


def frame(instruction: str, answer: str, system: str = "") -> Framed:
    """The words of a lesson with its marks, and which of them are to be learned."""
    return _frame(instruction, answer, system)


def _frame(
    instruction: str,
    answer: str,
    system: str = "",
    *,
    begin: tuple[str, ...] = (END,),
    user: tuple[str, ...] = (USER,),
    mark: tuple[str, ...] = (ASSISTANT,),
    end: tuple[str, ...] = (END,),
    learn_mark: bool = False,
    always_system: bool = False,
) -> Framed:
    told = [SYSTEM, *system.split()] if system or always_system else []
    given = [*begin, *told, *user, *instruction.split()]
    answered = answer.split()
    learned = [False] * len(given) + [learn_mark] * len(mark) + [True] * len(answered)
    return [*given, *mark, *answered, *end], learned + [True] * len(end)


def _all_learned(instruction: str, answer: str, system: str = "") -> Framed:
    words, _ = _frame(instruction, answer, system)
    return words, [True] * len(words)


def _without_the_first(instruction: str, answer: str, system: str = "") -> Framed:
    words, learned = _frame(instruction, answer, system)
    first = learned.index(True)
    return words, [wanted and i > first for i, wanted in enumerate(learned)]


def _turned_round(instruction: str, answer: str, system: str = "") -> Framed:
    words, learned = _frame(instruction, answer, system)
    return words, [not wanted for wanted in learned]


def _one_place_early(instruction: str, answer: str, system: str = "") -> Framed:
    words, learned = _frame(instruction, answer, system)
    return words, [*learned[1:], False]


def _user_first(instruction: str, answer: str, system: str = "") -> Framed:
    words, learned = _frame(instruction, answer, system)
    told = [SYSTEM, *system.split()] if system else []
    rest = words[1 + len(told) :]
    cut = rest.index(ASSISTANT)
    return [END, *rest[:cut], *told, *rest[cut:]], learned


def _by_appending(instruction: str, answer: str, system: str = "") -> Framed:
    words: list[str] = []
    learned: list[bool] = []

    def add(text: str, wanted: bool) -> None:
        for word in text.split():
            words.append(word)
            learned.append(wanted)

    add(END, False)
    if system:
        add(f"{SYSTEM} {system}", False)
    add(f"{USER} {instruction} {ASSISTANT}", False)
    add(f"{answer} {END}", True)
    return words, learned


def _by_one_string(instruction: str, answer: str, system: str = "") -> Framed:
    told = f"{SYSTEM} {system} " if system else ""
    words = f"{END} {told}{USER} {instruction} {ASSISTANT} {answer} {END}".split()
    place = words.index(ASSISTANT)
    return words, [i > place for i in range(len(words))]


def explain(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Name the one place at which most masks go wrong, and half an answer."""
    words, learned = expected
    if isinstance(got, str):
        return "This is one text: return two lists, the words and their marks."
    if all(isinstance(each, str) for each in got):
        return "Only the words came back: return two lists, the words and their marks."
    if all(isinstance(each, bool) for each in got):
        return "Only the marks came back: return two lists, the words and their marks."
    if list(got[0]) == words and list(got[1]) == [*learned[:-1], False]:
        return (
            "The end mark behind the answer is not learned: a model that never learns to stop "
            "writes on."
        )
    return None


FRAME = Exercise(
    id="10.2",
    title="The instruction template",
    minutes=10,
    stars=2,
    reference=frame,
    probes=[
        ("Sing .", "La .", ""),
        ("Tell me about Mina .", "Mina had a kite .", ""),
        ("Sing .", "La la .", "Be kind ."),
        ("Tell me about a duck .", "Tom found a duck . That is all .", "Every story has a hat ."),
    ],
    mistakes={
        "The prompt is to be learned, too: mark only the answer and the end mark behind it.": (
            _all_learned
        ),
        "There is no end mark behind the answer: a model that never sees one doesn't learn to "
        "stop.": partial(_frame, end=()),
        "The mark of the assistant is not there: the model can't know where the question ends and "
        "its answer begins.": partial(_frame, mark=()),
        "The mark of the assistant is to be learned in your mask: it is given, and stands there "
        "before the model writes.": partial(_frame, learn_mark=True),
        "The mark of the user is not there.": partial(_frame, user=()),
        "The end mark in front is not there: this model has always read one before a text.": (
            partial(_frame, begin=())
        ),
        "Without a system message there is no mark for one, either.": partial(
            _frame, always_system=True
        ),
        "The system message stands behind the instruction: it goes in front.": _user_first,
        "The system message was left out.": lambda i, a, s="": _frame(i, a),
        "The first word of the answer isn't learned: it is the model's own to write.": (
            _without_the_first
        ),
        "The mask is turned round: True says that a word is to be learned.": _turned_round,
        "The marks stand one place too early: True belongs to the word that is to be learned, not "
        "to the one before it. The loss does the shifting.": _one_place_early,
    },
    alternatives={"word by word": _by_appending, "one string": _by_one_string},
    parts=("words", "learned"),
    explain=explain,
)
