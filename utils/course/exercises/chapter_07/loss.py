"""Chapter 07, the losses: every place at once, and what a loss means."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_07.calls import trained_through
from utils.course.exercises.probing import uniform

FILLING = -1

# 7.1 · the shifted loss


def shifted_loss(logits: Tensor, ids: Tensor) -> Tensor:
    """Mean −ln p of each token given those before it; the id −1 is filling and no target."""
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), ignore_index=FILLING)


def _paid(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """−ln p of each target, and where there is one, (B, T) each."""
    there = targets != FILLING
    chances = logits.log_softmax(-1).gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    return -chances * there, there


def _shifted(logits: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    return _paid(logits[:, :-1], ids[:, 1:])


def _mean(paid: Tensor, there: Tensor) -> Tensor:
    return paid.sum() / there.sum()


def _mean_of_means(logits: Tensor, ids: Tensor) -> Tensor:
    paid, there = _shifted(logits, ids)
    return (paid.sum(1) / there.sum(1)).mean()


def _over_all_places(logits: Tensor, ids: Tensor) -> Tensor:
    paid, _ = _shifted(logits, ids)
    return paid.mean()


def _over_batch_and_time(logits: Tensor, ids: Tensor) -> Tensor:
    return _shifted(logits, ids)[0].sum() / ids.numel()


def _rolled(logits: Tensor, ids: Tensor) -> Tensor:
    return _mean(*_paid(logits, ids.roll(-1, dims=1)))


def _flattened_first(logits: Tensor, ids: Tensor) -> Tensor:
    return _mean(*_paid(logits.flatten(0, 1)[:-1], ids.flatten()[1:]))


def _filling_counted(logits: Tensor, ids: Tensor) -> Tensor:
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].clamp(min=0).flatten())


def _along_tokens(logits: Tensor, ids: Tensor) -> Tensor:
    chances, targets = logits[:, :-1].log_softmax(1), ids[:, 1:]
    there = targets != FILLING
    return -(chances.gather(-1, targets.clamp(min=0)[..., None])[..., 0] * there).sum() / (
        there.sum()
    )


def _last_only(logits: Tensor, ids: Tensor) -> Tensor:
    rows = [
        _mean(*_paid(row[None, n - 2 : n - 1], each[None, n - 1 : n]))
        for row, each, n in zip(logits, ids, (ids != FILLING).sum(1).tolist(), strict=True)
    ]
    return torch.stack(rows).mean()


def _mask_of_inputs(paid: Tensor, ids: Tensor) -> Tensor:
    there = ids[:, :-1] != FILLING
    return (paid * there).sum() / there.sum()


def _mask_of_inputs_at_token_0(logits: Tensor, ids: Tensor) -> Tensor:
    return _mask_of_inputs(_paid(logits[:, :-1], ids[:, 1:].clamp(min=0))[0], ids)


def _token_0_ignored(logits: Tensor, ids: Tensor) -> Tensor:
    there = ids[:, 1:] > 0
    return (_shifted(logits, ids)[0] * there).sum() / there.sum()


def _raw_nll(logits: Tensor, ids: Tensor) -> Tensor:
    scores, targets = logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()
    return F.nll_loss(scores, targets, ignore_index=FILLING)


def _along_texts(logits: Tensor, ids: Tensor) -> Tensor:
    targets = ids[:, 1:]
    chances = logits.log_softmax(1)[:, :-1].gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    return -chances[targets != FILLING].mean()


def _with_bare_exponentials(logits: Tensor, ids: Tensor) -> Tensor:
    sizes, targets = logits[:, :-1].exp(), ids[:, 1:]
    logs = (sizes / sizes.sum(-1, keepdim=True)).log()
    return -logs.gather(-1, targets.clamp(min=0)[..., None])[..., 0][targets != FILLING].mean()


def _by_loop(logits: Tensor, ids: Tensor) -> Tensor:
    paid = []
    for scores, row in zip(logits.double(), ids.tolist(), strict=True):
        for place, token in enumerate(row[1:]):
            if token != FILLING:
                paid.append(scores[place].logsumexp(0) - scores[place, token])
    return sum(paid) / len(paid)


def _by_picking(logits: Tensor, ids: Tensor) -> Tensor:
    rows, places = (ids[:, 1:] != FILLING).nonzero(as_tuple=True)
    return -logits.log_softmax(-1)[rows, places, ids[rows, places + 1]].mean()


def _texts(v: int, *lengths: int, size: float = 2.0) -> tuple[Tensor, Tensor]:
    """Logits and ids of texts of these lengths, filled up behind."""
    b, t = len(lengths), max(lengths)
    dice = torch.Generator().manual_seed(10 * v + t)
    ids = torch.randint(v, (b, t), generator=dice)
    filled = torch.arange(t) >= torch.tensor(lengths)[:, None]
    return uniform(b, t, v, seed=v + t, low=-size, high=size), ids.masked_fill(filled, FILLING)


SHIFTED_LOSS = Exercise(
    id="7.1",
    title="The shifted loss",
    minutes=10,
    stars=2,
    reference=shifted_loss,
    probes=[
        (torch.tensor([[[0.0, 1.0], [5.0, -5.0]]]), torch.tensor([[0, 1]])),
        _texts(3, 4),
        _texts(4, 3, 3),
        _texts(5, 6, 2, 4),
        _texts(3, 2, 5, 5, 3, size=8.0),
        (torch.tensor([[[200.0, 199.0, 0.0], [0.0, 0.0, 0.0]]]), torch.tensor([[1, 0]])),
    ],
    mistakes={
        "The targets are not shifted: place t is asked for token t + 1, so logits[:, :-1] goes "
        "with ids[:, 1:].": lambda x, y: _mean(*_paid(x, y)),
        "You shifted the wrong way: each place is asked for the token before it, which it has "
        "already read.": lambda x, y: _mean(*_paid(x[:, 1:], y[:, :-1])),
        "`roll` goes round in a circle: the last place is asked for the text's first token. Leave "
        "the last place out.": _rolled,
        "You flattened before you shifted, so the last place of a text is asked for the first "
        "token of the next: shift first.": _flattened_first,
        "This is the mean over the batch of each text's mean, so a token of a short text counts "
        "for more: sum over all targets, and divide once.": _mean_of_means,
        "The id −1 is filling, and no token has it: leave such targets out, ignore_index=-1.": (
            lambda x, y: F.cross_entropy(x[:, :-1].flatten(0, 1), y[:, 1:].flatten())
        ),
        "`view` refuses: logits[:, :-1] leaves out a place of each text, so its numbers don't lie "
        "in one piece. `flatten` and `reshape` copy where they must.": lambda x, y: F.cross_entropy(
            x[:, :-1].view(-1, x.shape[-1]), y[:, 1:].reshape(-1), ignore_index=FILLING
        ),
        "F.cross_entropy expects the vocabulary on the second axis: flatten batch and time, "
        "logits[:, :-1].flatten(0, 1), and the targets as well.": lambda x, y: F.cross_entropy(
            x[:, :-1], y[:, 1:], ignore_index=FILLING
        ),
        "Filling was counted as token 0: leave out the targets that are −1.": _filling_counted,
        "Filling costs nothing here, but it is counted in the divisor: divide by the number of "
        "real targets.": _over_all_places,
        "You divided by B · T: a text of T tokens has T − 1 targets, or fewer.": (
            _over_batch_and_time
        ),
        "The losses were summed: take the mean over all targets.": lambda x, y: _shifted(x, y)[
            0
        ].sum(),
        "The sign is missing: a loss is −ln p.": lambda x, y: -shifted_loss(x, y),
        "The loss is in bits: take natural logarithms here.": lambda x, y: (
            shifted_loss(x, y) / math.log(2)
        ),
        "There are two softmaxes: F.cross_entropy takes the logits as they are.": lambda x, y: (
            shifted_loss(x.softmax(-1), y)
        ),
        "The softmax ran along the tokens: chances sum to 1 over the vocabulary, dim=-1.": (
            _along_tokens
        ),
        "Only the last token of each text was counted: every place is a lesson.": _last_only,
        "You divided by the number of texts: divide by the number of all their targets.": (
            lambda x, y: _shifted(x, y)[0].sum() / len(y)
        ),
        "You divided by the number of all tokens that are no filling: the first of a text is "
        "nobody's target. Count the targets that are not −1.": lambda x, y: (
            _shifted(x, y)[0].sum() / (y != FILLING).sum()
        ),
        "The mask looks at the inputs, ids[:, :-1]: it is the target that may be filling, "
        "ids[:, 1:] != -1.": lambda x, y: _mask_of_inputs(_shifted(x, y)[0], y),
        "The mask looks at the inputs, so the last token of a short text is asked for the "
        "filling behind it: mask by the targets, ids[:, 1:] != -1.": _mask_of_inputs_at_token_0,
        "Targets with the id 0 were left out: 0 is a token like any other, only −1 is filling.": (
            _token_0_ignored
        ),
        "F.nll_loss expects logarithms of chances: give it log_softmax(-1) of the logits, or use "
        "F.cross_entropy, which does both.": _raw_nll,
        "The softmax ran along the axis of the tokens: chances sum to 1 over the vocabulary, "
        "which is the last axis.": _along_texts,
        "A large logit overflows: exp(200) is too large for a float, and inf / inf is no number. "
        "log_softmax(-1) subtracts the largest logit first.": _with_bare_exponentials,
        "The loss is right, but no gradient flows through it: leave it a tensor, without .item() "
        "or .detach().": lambda x, y: shifted_loss(x, y).detach(),
    },
    alternatives={
        "a loop over texts and places": _by_loop,
        "picked by index": _by_picking,
        "float64": lambda x, y: shifted_loss(x.double(), y),
        "masked and summed": lambda x, y: _mean(*_shifted(x, y)),
        "chances, then their logarithms": lambda x, y: F.nll_loss(
            x[:, :-1].softmax(-1).log().flatten(0, 1), y[:, 1:].flatten(), ignore_index=FILLING
        ),
    },
    call=trained_through(shifted_loss),
)

# 7.6 · perplexity and bits per word


def perplexity(losses: Tensor, n_words: int) -> tuple[Tensor, Tensor]:
    """Perplexity a token, and bits a word, from the loss in nats of every token of a text."""
    return losses.mean().exp(), losses.sum() / math.log(2) / n_words


def _with(
    first: Callable[[Tensor], Tensor] = lambda losses: losses.mean().exp(),
    second: Callable[[Tensor, int], Tensor] = lambda losses, n: losses.sum() / math.log(2) / n,
) -> Callable[[Tensor, int], tuple[Tensor, Tensor]]:
    return lambda losses, n_words: (first(losses), second(losses, n_words))


PERPLEXITY = Exercise(
    id="7.6",
    title="Perplexity and bits per word",
    minutes=5,
    stars=1,
    reference=perplexity,
    probes=[
        (torch.tensor([math.log(8.0)]), 1),
        (torch.tensor([0.0, 2.0]), 1),
        (torch.tensor([0.5, 3.0, 1.0, 0.2]), 3),
        (uniform(12, seed=76, low=0.0, high=4.0), 9),
    ],
    mistakes={
        "You took 2 to the power of nats: the loss is in nats, so its base is e.": _with(
            lambda losses: 2 ** losses.mean()
        ),
        "This is the mean of the perplexities: first the mean of the losses, then the "
        "exponential.": _with(lambda losses: losses.exp().mean()),
        "This is the perplexity of the whole text: take the mean of the losses, not the sum.": (
            _with(lambda losses: losses.sum().exp())
        ),
        "This is the chance, and the perplexity is one over it: the exponential of the loss "
        "without a minus.": _with(lambda losses: (-losses.mean()).exp()),
        "e to the power of bits: convert the loss to bits for the second number only.": _with(
            lambda losses: (losses.mean() / math.log(2)).exp()
        ),
        "The second number is in nats: divide by ln 2.": _with(
            second=lambda losses, n: losses.sum() / n
        ),
        "You multiplied by ln 2: a bit is smaller than a nat, so there are more of them. "
        "Divide.": _with(second=lambda losses, n: losses.sum() * math.log(2) / n),
        "These are bits per token: divide the sum by the number of words.": _with(
            second=lambda losses, n: losses.mean() / math.log(2)
        ),
        "You divided the mean by the number of words: it has been divided once already. Take the "
        "sum.": _with(second=lambda losses, n: losses.mean() / math.log(2) / n),
        "The logarithm was taken twice: losses are logarithms already.": _with(
            second=lambda losses, n: losses.sum().log2() / n
        ),
        "This is a perplexity per word: the exponential of the mean over tokens is asked for, as "
        "a token is what the model chooses.": lambda losses, n: (
            (losses.sum() / n).exp(),
            losses.sum() / math.log(2) / n,
        ),
        "The exponential is forgotten: the perplexity is e to the power of the mean loss.": _with(
            lambda losses: losses.mean()
        ),
        "The two are swapped: perplexity first.": lambda losses, n: perplexity(losses, n)[::-1],
    },
    alternatives={
        "in plain Python": lambda losses, n: (
            math.exp(sum(losses.tolist()) / len(losses)),
            sum(losses.tolist()) / math.log(2) / n,
        ),
        "bits first": lambda losses, n: (
            2 ** (losses / math.log(2)).mean(),
            (losses / math.log(2)).sum() / n,
        ),
        "log2 of e": lambda losses, n: (
            losses.double().mean().exp(),
            losses.double().sum() * math.log2(math.e) / n,
        ),
        "a geometric mean": lambda losses, n: (
            losses.exp().prod() ** (1 / len(losses)),
            losses.sum() / n / math.log(2),
        ),
    },
    parts=("perplexity", "bits per word"),
)
