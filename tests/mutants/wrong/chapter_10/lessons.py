"""Wrong answers to the first exercises of chapter 10: lessons, and roads beside a matrix."""

from __future__ import annotations

import torch
from mutants.cases import ANY, wrong, wrongs
from torch.nn import functional as F

END, SYSTEM, USER, ASSISTANT = "<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>"


def _paid(logits, ids):
    chances = logits[:, :-1].softmax(-1)
    return -chances.gather(2, ids[:, 1:].unsqueeze(2)).squeeze(2).log()


wrongs(
    "10.1",
    says="The mask is shifted by one",
    mask_cut_behind=lambda x, y, m: _paid(x, y)[m[:, :-1]].mean(),
    mask_cut_and_summed=lambda x, y, m: _paid(x, y)[m[:, :-1]].sum(),
    mask_cut_in_bits=lambda x, y, m: _paid(x, y)[m[:, :-1]].mean() / torch.tensor(2.0).log(),
)
wrongs(
    "10.1",
    says="The loss is on the prompt, too",
    no_mask=lambda x, y, m: F.cross_entropy(x[:, :-1].flatten(0, 1), y[:, 1:].flatten()),
    no_mask_and_summed=lambda x, y, m: _paid(x, y).sum(),
)
wrongs(
    "10.1",
    says="The arguments of cross_entropy are swapped",
    swapped=lambda x, y, m: F.cross_entropy(y[:, 1:][m[:, 1:]], x[:, :-1][m[:, 1:]]),
)
wrongs("10.1", says="The sign is missing", no_minus=lambda x, y, m: -_paid(x, y)[m[:, 1:]].mean())
wrongs(
    "10.1",
    says="You divided by the number of texts",
    by_texts=lambda x, y, m: (_paid(x, y) * m[:, 1:]).sum(1).mean(),
)
wrongs(
    "10.1",
    says="These are the chances' mean",
    chances=lambda x, y, m: (-_paid(x, y)).exp()[m[:, 1:]].mean(),
)
wrongs(
    "10.1",
    says="This is a perplexity",
    perplexity=lambda x, y, m: torch.exp(_paid(x, y)[m[:, 1:]].mean()),
)
wrongs(
    "10.1",
    first_text_only=lambda x, y, m: _paid(x[:1], y[:1])[m[:1, 1:]].mean(),
    two_on=lambda x, y, m: F.cross_entropy(x[:, :-2][m[:, 2:]], y[:, 2:][m[:, 2:]]),
)


def _frame(front=True, user=True, assistant=True, ends=(1, 1), marks=None):
    def answer(instruction, reply, system=""):
        words = [END] * ends[0] + ([SYSTEM, *system.split()] if system and front else [])
        words += [USER] * user + instruction.split() + [ASSISTANT] * assistant
        given, words = len(words), words + reply.split() + [END] * ends[1]
        return words, (marks or (lambda given, n: [i >= given for i in range(n)]))(
            given, len(words)
        )

    return answer


wrongs("10.2", says="The mark of the user is not there", no_user=_frame(user=False))
wrongs(
    "10.2",
    says="There is no end mark behind the answer",
    no_end=_frame(ends=(1, 0)),
    no_end_no_user=_frame(ends=(1, 0), user=False),
    no_ends=_frame(ends=(0, 0)),
)
wrongs("10.2", says="The mark of the assistant is not there", no_turn=_frame(assistant=False))
wrongs("10.2", says="The system message was left out", deaf=_frame(front=False))
wrongs(
    "10.2",
    says="The mark of the assistant is to be learned",
    from_the_mark=_frame(marks=lambda given, n: [i >= given - 1 for i in range(n)]),
)
wrongs(
    "10.2",
    ANY,
    end_not_learned=_frame(marks=lambda given, n: [given <= i < n - 1 for i in range(n)]),
    as_numbers=_frame(marks=lambda given, n: [int(i >= given) for i in range(n)]),
    too_few_marks=_frame(marks=lambda given, n: [i >= given for i in range(n - 1)]),
    nothing_learned=_frame(marks=lambda given, n: [False] * n),
    characters=lambda i, a, s="": (
        [END, USER, *i, ASSISTANT, *a, END],
        [False] * (len(i) + 3) + [True] * (len(a) + 1),
    ),
    texts_whole=lambda i, a, s="": (
        [END, *([SYSTEM, s] if s else []), USER, i, ASSISTANT, a, END],
        [False] * (4 + 2 * bool(s)) + [True, True],
    ),
    two_ends=_frame(ends=(2, 1)),
    words_alone=lambda i, a, s="": [END, USER, *i.split(), ASSISTANT, *a.split(), END],
)


def _layer(forward, a=torch.randn, b=torch.zeros):
    def answer(weight, rank, alpha):
        down = a(rank, weight.shape[1]).requires_grad_()
        up = b(weight.shape[0], rank).requires_grad_()
        return down, up, lambda x: forward(x, weight, down, up, alpha, rank)

    return answer


def _right(x, w, a, b, alpha, r):
    return x @ w.T + alpha / r * (x @ a.T) @ b.T


def _under_no_grad(x, w, a, b, alpha, r):
    with torch.no_grad():
        y = F.linear(x, w)
    return y + alpha / r * F.linear(F.linear(x, a), b)


wrongs(
    "10.3",
    says="What forward says is right, but the gradient of x",
    frozen_under_no_grad=_layer(_under_no_grad),
    frozen_detached=_layer(
        lambda x, w, a, b, alpha, r: (x @ w.T).detach() + alpha / r * x @ a.T @ b.T
    ),
    x_detached=_layer(lambda x, w, a, b, alpha, r: _right(x.detach(), w, a, b, alpha, r)),
    x_by_data=_layer(lambda x, w, a, b, alpha, r: x @ w.T + alpha / r * (x.data @ a.T) @ b.T),
)
wrongs("10.3", says="A is what happened to lie in memory", memory=_layer(_right, a=torch.empty))
wrongs(
    "10.3",
    says="A isn't random: its numbers count up",
    counted=_layer(_right, a=lambda r, n: torch.arange(1.0, r * n + 1).view(r, n)),
    evenly=_layer(_right, a=lambda r, n: torch.linspace(-1, 1, r * n).view(r, n)),
)
wrongs("10.3", says="A and B are both zero", zeros=_layer(_right, a=torch.zeros))
wrongs(
    "10.3",
    says="You multiplied by alpha and by r",
    times_r=_layer(lambda x, w, a, b, alpha, r: x @ w.T + alpha * r * (x @ a.T) @ b.T),
)
wrongs(
    "10.3",
    says="`//` drops",
    whole=_layer(lambda x, w, a, b, alpha, r: x @ w.T + (alpha // r) * (x @ a.T) @ b.T),
)
wrongs(
    "10.3",
    says="The frozen road is missing",
    beside_alone=_layer(lambda x, w, a, b, alpha, r: alpha / r * x @ a.T @ b.T),
    beside_unscaled=_layer(lambda x, w, a, b, alpha, r: x @ a.T @ b.T),
)


@wrong("10.3", says="Other numbers in A and B change nothing")
def once_and_for_all(weight, rank, alpha):
    a = torch.randn(rank, weight.shape[1], requires_grad=True)
    b = torch.zeros(len(weight), rank, requires_grad=True)
    change = (alpha / rank) * (b @ a)
    return a, b, lambda x: x @ weight.T + x @ change.T


wrongs(
    "10.4",
    says="A and B stand the wrong way round",
    a_first=lambda w, a, b, alpha: w + alpha / len(a) * (a @ b),
)
wrongs("10.4", says="You divided by √r", root=lambda w, a, b, s: w + s / len(a) ** 0.5 * b @ a)
wrongs(
    "10.4",
    says="You multiplied by alpha and by r",
    product=lambda w, a, b, s: w + s * len(a) * b @ a,
)
wrongs("10.4", says="`//` drops", whole=lambda w, a, b, s: w + s // a.shape[0] * (b @ a))
wrongs("10.4", says="The scale is upside down", turned=lambda w, a, b, s: w + len(a) / s * b @ a)
wrongs(
    "10.4",
    says="You divided by r and didn't multiply",
    no_alpha=lambda w, a, b, s: w + b @ a / len(a),
    no_alpha_subtracted=lambda w, a, b, s: w - b @ a / len(a),
)
wrongs("10.4", says="The scale is missing", bare=lambda w, a, b, s: b @ a)
wrongs("10.4", elementwise=lambda w, a, b, s: w + s / len(a) * (b.sum(1)[:, None] * a.sum(0)))
wrongs("10.4", says="The change alone", alone=lambda w, a, b, s: s / a.shape[0] * b @ a)

wrongs(
    "10.4",
    says="The product lies on its side",
    both_turned=lambda w, a, b, alpha: w + alpha / len(a) * a.T @ b.T,
)
wrongs(
    "10.4",
    says="The sum lies on its side",
    on_its_side=lambda w, a, b, alpha: (w + alpha / len(a) * b @ a).T,
)
wrongs(
    "10.4",
    says="alpha was squared",
    squared=lambda w, a, b, alpha: w + alpha * alpha / len(a) * b @ a,
)
wrongs(
    "10.1",
    "There are two softmaxes",
    softmax_twice=lambda x, y, m: F.cross_entropy(
        x[:, :-1].softmax(-1)[m[:, 1:]], y[:, 1:][m[:, 1:]]
    ),
)


@wrong("10.2", "The system message may be left out in a call")
def without_its_default(instruction, answer, system):
    words = ["<|endoftext|>", *(["<|system|>", *system.split()] if system else []), "<|user|>"]
    words += [*instruction.split(), "<|assistant|>"]
    told = [*answer.split(), "<|endoftext|>"]
    return words + told, [False] * len(words) + [True] * len(told)
