"""What chapter 10 says to answers written the way learners write them, not the way we test."""

from __future__ import annotations

import pytest
import torch
from helpers.feedback import said
from torch import nn
from torch.nn import functional as F

from utils.course.checking import registry
from utils.llm.tuning import answers as finetuning
from utils.llm.tuning import lora, soft_prompts

END, SYSTEM, USER, ASSISTANT = "<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>"


def loss_in_a_row(logits, ids, learned):
    keep = learned[:, 1:].reshape(-1)
    each = F.cross_entropy(
        logits[:, :-1].reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1), reduction="none"
    )
    return each[keep].mean()


def loss_from_nothing(logits, ids, learned):
    total, count = 0, 0
    for b in range(len(ids)):
        for t in range(ids.shape[1] - 1):
            if learned[b, t + 1]:
                total = total - torch.log_softmax(logits[b, t], dim=0)[ids[b, t + 1]]
                count += 1
    return total / count


def loss_without_the_shift(logits, ids, learned):
    m = learned.clone()
    m[:, 0] = False
    return F.cross_entropy(logits[m], ids[m])


def loss_over_all_marks(logits, ids, learned):
    logp = logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)
    return -(logp * learned[:, 1:]).sum() / learned.sum()


def loss_the_wrong_way(logits, ids, learned):
    mask = learned[:, :-1]
    return F.cross_entropy(logits[:, 1:][mask], ids[:, :-1][mask])


def words_of(instruction, answer, system=""):
    front = [SYSTEM, *system.split()] if system else []
    back = [*instruction.split(), ASSISTANT, *answer.split(), END]
    return [END, *front, USER, *back]


def frame_of_tensors(instruction, answer, system=""):
    words = words_of(instruction, answer, system)
    n = len(answer.split()) + 1
    return words, [i >= len(words) - n for i in range(len(words))]


def frame_marked_where_it_is_said(instruction, answer, system=""):
    words, marks = frame_of_tensors(instruction, answer, system)
    return words, [*marks[1:], False]


def layer(
    a=lambda r, n: (torch.randn(r, n) / n**0.5).requires_grad_(),
    b=lambda n, r: torch.zeros(n, r, requires_grad=True),
    forward=lambda x, w, a, b, s: x @ w.T + s * (x @ a.T) @ b.T,
    give=lambda a, b, f: (a, b, f),
    weight=lambda w: w,
):
    def made(weight_, rank, alpha):
        w = weight(weight_)
        n_out, n_in = w.shape
        a_, b_ = a(rank, n_in), b(n_out, rank)
        return give(a_, b_, lambda x: forward(x, w, a_, b_, alpha / rank))

    return made


def without_a_gradient(x, w, a, b, s):
    with torch.no_grad():
        return x @ w.T + s * (x @ a.T) @ b.T


def frozen_under_no_grad(x, w, a, b, s):
    with torch.no_grad():
        frozen = x @ w.T
    return frozen + s * (x @ a.T) @ b.T


def layer_in_float64(weight, rank, alpha):
    a = torch.randn(rank, weight.shape[1], dtype=torch.float64).requires_grad_()
    b = torch.zeros(len(weight), rank, dtype=torch.float64).requires_grad_()
    return a, b, lambda x: x.double() @ (weight + alpha / rank * b @ a).T


def computed_once(weight, rank, alpha):
    a, b, _ = layer()(weight, rank, alpha)
    both = weight + alpha / rank * (b @ a)
    return a, b, lambda x: F.linear(x, both)


def layer_with_a_seed(weight, rank, alpha):
    torch.manual_seed(0)
    return layer()(weight, rank, alpha)


def layer_as_modules(weight, rank, alpha):
    down, up = (
        nn.Linear(weight.shape[1], rank, bias=False),
        nn.Linear(rank, len(weight), bias=False),
    )
    nn.init.zeros_(up.weight)
    frozen = nn.Linear(*weight.shape[::-1], bias=False)
    frozen.weight = nn.Parameter(weight, requires_grad=False)
    return down.weight, up.weight, lambda x: frozen(x) + up(down(x)) * alpha / rank


class Road(nn.Module):
    def __init__(self, weight, rank, alpha):
        super().__init__()
        self.register_buffer("weight", weight)
        self.a = nn.Parameter(torch.randn(rank, weight.shape[1]) * 0.02)
        self.b = nn.Parameter(torch.zeros(len(weight), rank))
        self.alpha = alpha

    def forward(self, x):
        return lora.lora_forward(x, self.weight, self.a, self.b, self.alpha)


def layer_as_a_module(weight, rank, alpha):
    road = Road(weight, rank, alpha)
    return road.a, road.b, road


def prepended(cut=lambda soft, ids: soft.expand(len(ids), -1, -1)):
    def made(soft, ids, tokens):
        inputs = torch.cat([cut(soft, ids), tokens[ids]], dim=1)
        targets = torch.full(inputs.shape[:2], -100)
        targets[:, len(soft) - 1 : len(soft) + ids.shape[1] - 1] = ids
        return inputs, targets

    return made


def prepended_by_the_package(soft, ids, tokens):
    inputs = soft_prompts.prepend(soft, F.embedding(ids, tokens))
    return inputs, F.pad(ids, (len(soft) - 1, 1), value=-100)


def state_with_lm_head(state):
    return registry.exercise("10.7").reference(state) | {"lm_head.weight": state["lm_head.weight"]}


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("10.1", finetuning.answer_loss),
        ("10.1", loss_in_a_row),
        ("10.1", loss_from_nothing),
        ("10.2", frame_of_tensors),
        ("10.3", layer()),
        ("10.3", layer(a=lambda r, n: nn.Parameter(torch.randn(r, n)))),
        ("10.3", layer(a=lambda r, n: torch.randn(r, n).sign().requires_grad_())),
        ("10.3", layer(weight=lambda w: nn.Parameter(w, requires_grad=False))),
        ("10.3", layer(weight=lambda w: w.detach().clone())),
        ("10.3", layer(forward=lambda x, w, a, b, s: F.linear(x, w + s * b @ a))),
        ("10.3", layer(give=lambda a, b, f: [a, b, f])),
        ("10.3", layer_with_a_seed),
        ("10.3", layer_in_float64),
        (
            "10.3",
            layer(
                forward=lambda x, w, a, b, s: (
                    x.double() @ w.double().T + s * (x @ a.T).double() @ b.double().T
                )
            ),
        ),
        ("10.3", layer_as_modules),
        ("10.3", layer_as_a_module),
        ("10.4", lambda weight, a, b, alpha: lora.merged_weight(weight, a, b, alpha)),
        ("10.5", prepended()),
        ("10.5", prepended(lambda soft, ids: torch.stack([soft] * len(ids)))),
        ("10.5", prepended(lambda soft, ids: soft.repeat(len(ids), 1, 1))),
        ("10.5", prepended_by_the_package),
    ],
)
def test_sound_answers_of_the_package_and_of_learners_pass(id, answer):
    assert said(id, answer) == "right"


def ones(value):
    return lambda r, n: torch.full((r, n), value).requires_grad_()


@pytest.mark.parametrize(
    ("id", "answer", "begins"),
    [
        ("10.1", lambda *args: loss_in_a_row(*args).item(), "The number is right, but a plain"),
        ("10.1", lambda *args: loss_in_a_row(args[0].detach(), *args[1:]), "The number is right"),
        ("10.1", loss_without_the_shift, "Leaving out the first place is no shift"),
        ("10.1", loss_over_all_marks, "You divided by the number of all marks"),
        ("10.1", loss_the_wrong_way, "The shift goes the wrong way"),
        ("10.2", frame_marked_where_it_is_said, "The marks stand one place too early"),
        ("10.2", words_of, "Only the words came back"),
        ("10.2", lambda *args: " ".join(words_of(*args)), "This is one text"),
        ("10.3", layer(a=ones(1.0)), "A is the same number everywhere"),
        ("10.3", layer(a=ones(0.5)), "A is the same number everywhere"),
        ("10.3", layer(a=ones(0.02)), "A is the same number everywhere"),
        (
            "10.3",
            layer(a=lambda r, n: torch.randn(n).repeat(r, 1).requires_grad_()),
            "The rows of A are all alike",
        ),
        (
            "10.3",
            layer(a=lambda r, n: torch.randn(r, n, requires_grad=True) / n**0.5),
            "A is no leaf",
        ),
        (
            "10.3",
            layer(b=lambda n, r: torch.zeros(n, r, requires_grad=True) * 1),
            "B is no leaf",
        ),
        ("10.3", layer(a=lambda r, n: torch.eye(r, n).requires_grad_()), "A isn't random"),
        ("10.3", layer(b=lambda n, r: torch.randn(n, r).requires_grad_()), "B isn't zero"),
        (
            "10.3",
            layer(b=lambda n, r: (torch.randn(n, r) * 0.01).requires_grad_()),
            "B isn't zero",
        ),
        ("10.3", layer(a=lambda r, n: torch.empty(r, n).requires_grad_()), "A is what happened"),
        (
            "10.3",
            layer(a=lambda r, n: torch.arange(1.0, 1 + r * n).view(r, n).requires_grad_()),
            "A isn't random: its numbers count up",
        ),
        ("10.3", layer(forward=frozen_under_no_grad), "What forward says is right, but the grad"),
        (
            "10.3",
            layer(forward=lambda x, w, a, b, s: (x @ w.T).detach() + s * (x @ a.T) @ b.T),
            "What forward says is right, but the gradient of x",
        ),
        (
            "10.3",
            layer(forward=lambda x, w, a, b, s: x @ w.T + s * (x.detach() @ a.T) @ b.T),
            "What forward says is right, but the gradient of x",
        ),
        ("10.3", computed_once, "Other numbers in A and B change nothing"),
        (
            "10.1",
            lambda logits, ids, learned: F.cross_entropy(
                ids[:, 1:][learned[:, 1:]], logits[:, :-1][learned[:, 1:]]
            ),
            "The arguments of cross_entropy are swapped",
        ),
        (
            "10.1",
            lambda logits, ids, learned: F.cross_entropy(
                logits[:, :-1][learned[:, :-1]], ids[:, 1:][learned[:, :-1]], reduction="sum"
            ),
            "The mask is shifted by one",
        ),
        ("10.3", layer(forward=without_a_gradient), "What forward says is right"),
        (
            "10.3",
            layer(forward=lambda x, w, a, b, s: x @ w.T + s * (x @ a.data.T) @ b.T),
            "What forward says is right, but autograd finds no way back from it to A:",
        ),
        (
            "10.3",
            layer(forward=lambda x, w, a, b, s: x @ w.T + s * (x @ a.T) @ b.detach().T),
            "What forward says is right, but autograd finds no way back from it to B:",
        ),
        ("10.3", layer(weight=nn.Parameter), "W asks for a gradient"),
        ("10.3", layer(weight=lambda w: w.requires_grad_()), "W asks for a gradient"),
        ("10.3", layer(give=lambda a, b, f: f), "Return three things"),
        ("10.3", layer(give=lambda a, b, f: (f, a, b)), "Return three things"),
        ("10.3", layer(give=lambda a, b, f: (a, b)), "Return three things"),
        ("10.3", layer(give=lambda a, b, f: (b, a, f)), "A is to be (r, n_in), here (2, 2)"),
        ("10.3", layer(give=lambda a, b, f: (a.T, b.T, f)), "A is to be (r, n_in), here (2, 2)"),
        (
            "10.3",
            layer(a=lambda r, n: torch.randn(r, n), b=lambda n, r: torch.zeros(n, r)),
            "Neither A nor B asks for a gradient",
        ),
        (
            "10.4",
            lambda weight, a, b, alpha: weight + alpha / len(b) * b @ a,
            "You divided by n_out, which len(b)",
        ),
        ("10.4", lambda w, a, b, alpha: w + (alpha / a.shape[0]) * (a @ b), "A and B stand the"),
        ("10.4", lambda w, a, b, alpha: w + alpha // a.shape[0] * (b @ a), "`//` drops"),
        ("10.4", lambda w, a, b, alpha: w - alpha * (b @ a), "You multiplied by alpha and didn't"),
        ("10.5", prepended(lambda s, ids: s.detach().expand(len(ids), -1, -1)), "The numbers are"),
        (
            "10.5",
            prepended(lambda s, ids: torch.tensor(s.tolist()).expand(len(ids), -1, -1)),
            "The numbers are right, but autograd finds no way back",
        ),
        ("10.7", state_with_lm_head, "The head is in it"),
    ],
)
def test_usual_wrong_answers_are_told_why(id, answer, begins):
    assert said(id, answer).startswith(begins), said(id, answer)
