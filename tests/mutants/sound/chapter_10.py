"""Sound answers of odd kinds to the exercises of chapter 10."""

from __future__ import annotations

import copy
import itertools
import math

import numpy as np
import torch
from mutants.cases import sound, sounds
from torch import nn
from torch.nn import functional as F

sounds(
    "10.1",
    nll=lambda x, y, m: F.nll_loss(x.log_softmax(-1)[:, :-1][m[:, 1:]], y[:, 1:][m[:, 1:]]),
    in_double=lambda x, y, m: F.cross_entropy(x[:, :-1][m[:, 1:]].double(), y[:, 1:][m[:, 1:]]),
    none_then_mean=lambda x, y, m: F.cross_entropy(
        x[:, :-1].transpose(1, 2), y[:, 1:], reduction="none"
    )[m[:, 1:]].mean(),
    none_then_weights=lambda x, y, m: (
        (F.cross_entropy(x[:, :-1].transpose(1, 2), y[:, 1:], reduction="none") * m[:, 1:]).sum()
        / m[:, 1:].sum()
    ),
    one_hot=lambda x, y, m: (
        -((F.one_hot(y[:, 1:], x.shape[-1]) * x[:, :-1].log_softmax(-1)).sum(-1)[m[:, 1:]].mean())
    ),
    where=lambda x, y, m: F.cross_entropy(
        x[:, :-1].flatten(0, 1), torch.where(m, y, -100)[:, 1:].flatten()
    ),
)


@sound("10.1")
def by_places(logits, ids, learned):
    rows, columns = learned[:, 1:].nonzero(as_tuple=True)
    return F.cross_entropy(logits[rows, columns], ids[rows, columns + 1])


@sound("10.1")
def rolled(logits, ids, learned):
    mask = learned.roll(-1, dims=1)
    mask[:, -1] = False
    return F.cross_entropy(logits[mask], ids.roll(-1, dims=1)[mask])


END, SYSTEM, USER, ASSISTANT = "<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>"


@sound("10.2")
def frame_by_pairs(instruction, answer, system=""):
    pairs = [(END, False)]
    if system:
        pairs += [(word, False) for word in (SYSTEM + " " + system).split()]
    pairs += [(word, False) for word in [USER, *instruction.split(), ASSISTANT]]
    pairs += [(word, True) for word in [*answer.split(), END]]
    return [word for word, _ in pairs], [mark for _, mark in pairs]


@sound("10.2")
def frame_by_slices(request, reply, system=None):
    words = [END, *([SYSTEM, *system.split(" ")] if system else []), USER]
    words += [*request.split(" "), ASSISTANT, *reply.split(" "), END]
    marks = [False] * len(words)
    marks[-len(reply.split(" ")) - 1 :] = [True] * (len(reply.split(" ")) + 1)
    return words, marks


@sound("10.2")
def frame_as_tuples(instruction, answer, system=""):
    front = (SYSTEM, *system.split()) * bool(system)
    given = (END, *front, USER, *instruction.split(), ASSISTANT)
    answered = (*answer.split(), END)
    return given + answered, (False,) * len(given) + (True,) * len(answered)


@sound("10.2")
def frame_by_chain(instruction, answer, system=""):
    parts = [[END], [SYSTEM, *system.split()] if system else [], [USER], instruction.split()]
    parts += [[ASSISTANT], answer.split(), [END]]
    marks = [[i > 4] * len(part) for i, part in enumerate(parts)]
    return list(itertools.chain(*parts)), list(itertools.chain(*marks))


@sound("10.3")
def of_parameters(weight, rank, alpha):
    a = nn.Parameter(torch.empty(rank, weight.shape[1]))
    nn.init.kaiming_uniform_(a, a=math.sqrt(5))
    b = nn.Parameter(torch.zeros(weight.shape[0], rank))
    return a, b, lambda x: F.linear(x, weight) + F.linear(F.linear(x, a), b) * (alpha / rank)


@sound("10.3")
def from_numpy(weight, rank, alpha):
    drawn = np.random.default_rng(0).normal(size=(rank, weight.shape[1])).astype("float32")
    a = torch.from_numpy(drawn).requires_grad_()
    b = weight.new_zeros(len(weight), rank).requires_grad_()

    def forward(x):
        return torch.matmul(x, weight.t()) + torch.matmul(torch.matmul(x, a.t()), b.t()) * (
            alpha / rank
        )

    return a, b, forward


@sound("10.3")
def frozen_copy(weight, rank, alpha):
    with torch.no_grad():
        frozen = weight.clone()
    a = torch.rand(rank, weight.shape[1], requires_grad=True)
    b = torch.zeros(len(weight), rank, requires_grad=True)

    def forward(x):
        beside = sum((x @ a[i])[..., None] * b[:, i] for i in range(rank))
        return (frozen @ x[..., None])[..., 0] + alpha * beside / rank

    return a, b, forward


sounds(
    "10.4",
    baddbmm=lambda w, a, b, s: torch.baddbmm(w[None], b[None], a[None], alpha=s / len(a))[0],
    einsum=lambda w, a, b, s: w + s / a.shape[0] * torch.einsum("or,ri->oi", b, a),
    numpy=lambda w, a, b, s: w.numpy() + s / b.shape[1] * (b.numpy() @ a.numpy()),
    in_double=lambda w, a, b, s: w.double() + s * (b.double() @ a.double()) / a.size(0),
    turned=lambda w, a, b, s: (w.T + a.T @ b.T * (s / len(a))).T,
    scaled_first=lambda w, a, b, s: torch.add(w, b @ (a * s / len(a))),
    outer_sum=lambda w, a, b, s: w + s / len(a) * (b[:, :, None] * a[None]).sum(1),
)


@sound("10.4")
def merged_in_loops(weight, a, b, alpha):
    merged = weight.clone()
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            merged[i, j] += alpha / len(a) * sum(b[i, k] * a[k, j] for k in range(len(a)))
    return merged


sounds(
    "10.5",
    vstack=lambda s, y, t: (
        torch.stack([torch.vstack([s, t[row]]) for row in y]),
        F.pad(y, (len(s) - 1, 1), value=-100),
    ),
    repeated=lambda s, y, t: (
        torch.cat((s.repeat(y.shape[0], 1, 1), F.embedding(y, t)), 1),
        torch.cat((y.new_full((len(y), len(s) - 1), -100), y, y.new_full((len(y), 1), -100)), 1),
    ),
    one_hot=lambda s, y, t: (
        torch.cat([s[None].expand(len(y), *s.shape), F.one_hot(y, len(t)).float() @ t], 1),
        F.pad(y, (len(s) - 1, 1), "constant", -100),
    ),
    table=lambda s, y, t: (
        torch.cat([s, t])[torch.cat([torch.arange(len(s)).expand(len(y), -1), y + len(s)], dim=1)],
        F.pad(y, (len(s) - 1, 1), value=-100),
    ),
)


@sound("10.5")
def filled(soft, ids, tokens):
    inputs = torch.zeros(len(ids), len(soft) + ids.shape[1], soft.shape[1])
    inputs[:, : len(soft)] += soft
    inputs[:, len(soft) :] = tokens[ids]
    targets = [[-100] * (len(soft) - 1) + row.tolist() + [-100] for row in ids]
    return inputs, torch.tensor(targets)


sounds(
    "10.6",
    topk=lambda v, t: tuple(x[:, 0] for x in (F.normalize(v) @ F.normalize(t).T).topk(1)[::-1]),
    by_distance_of_directions=lambda v, t: (
        (i := torch.cdist(F.normalize(v), F.normalize(t)).argmin(1)),
        F.cosine_similarity(v, t[i]),
    ),
    divided=lambda v, t: (v @ t.T / v.norm(dim=1)[:, None] / t.norm(dim=1)).max(1)[::-1],
    sorted_=lambda v, t: tuple(
        x[:, 0]
        for x in torch.sort(F.normalize(v, dim=1) @ F.normalize(t, dim=1).T, descending=True)[::-1]
    ),
    one_by_one=lambda v, t: tuple(
        map(
            torch.stack,
            zip(*(F.cosine_similarity(x[None], t).max(0)[::-1] for x in v), strict=True),
        )
    ),
)


@sound("10.6")
def nearest_in_numpy(vectors, tokens):
    v, t = vectors.numpy().astype(float), tokens.numpy().astype(float)
    cosines = v @ t.T / np.sqrt((v**2).sum(1))[:, None] / np.sqrt((t**2).sum(1))[None]
    return cosines.argmax(1), cosines.max(1)


OURS = {
    "wte": "token_embedding",
    "wpe": "position_embedding",
    "ln_f": "final_norm",
    "ln_1": "norm_1",
    "ln_2": "norm_2",
    "attn.c_attn": "attention.qkv",
    "attn.c_proj": "attention.out",
    "mlp.c_fc": "feed_forward.up",
    "mlp.c_proj": "feed_forward.down",
}


@sound("10.7")
def by_comprehension(state):
    def ours(name):
        name = name.removeprefix("transformer.").replace("h.", "blocks.", name.count(".h."))
        for one, other in OURS.items():
            name = name.replace(one + ".", other + ".")
        return name

    return {
        ours(n): t.t().clone() if ".h." in n and t.dim() == 2 else t.clone()
        for n, t in state.items()
        if not n.startswith("lm_head")
    }


@sound("10.7")
def popped(state):
    rest = dict(state)
    rest.pop("lm_head.weight")
    found = {}
    while rest:
        name, tensor = rest.popitem()
        parts = name.split(".")[1:]
        front = ""
        if parts[0] == "h":
            front, parts = f"blocks.{int(parts[1])}.", parts[2:]
            if parts[-1] == "weight" and not parts[0].startswith("ln"):
                tensor = tensor.permute(1, 0)
        found[front + OURS[".".join(parts[:-1])] + "." + parts[-1]] = tensor
    return found


@sound("10.8")
def cleared_first(model, ids, learned, steps, rate):
    mask = learned.clone()
    mask[:, 0] = False
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), rate)
    model.train(True)
    losses = []
    while len(losses) < steps:
        optimizer.zero_grad()
        before = model(ids)[mask.roll(-1, 1)]
        loss = F.cross_entropy(before, ids[mask])
        loss.backward()
        optimizer.step()
        losses += [loss.detach()]
    return losses


@sound("10.8")
def as_a_tensor(model, ids, learned, steps, rate):
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    losses = torch.zeros(steps)
    model.train()
    for i in range(steps):
        paid = F.cross_entropy(model(ids)[:, :-1].mT, ids[:, 1:], reduction="none")
        loss = paid.masked_select(learned[:, 1:]).mean()
        model.zero_grad()
        loss.backward()
        optimizer.step()
        losses[i] = loss.item()
    return losses.tolist()


@sound("10.9")
def model_copied(model, batches, loss, held_out, rate):
    optimizer = torch.optim.AdamW(filter(lambda p: p.requires_grad, model.parameters()), lr=rate)
    measured, best = [], None
    for batch in batches:
        model.train()
        optimizer.zero_grad()
        loss(model, batch).backward()
        optimizer.step()
        with torch.inference_mode():
            now = float(loss(model.eval(), held_out))
        if not measured or now < min(measured):
            best = copy.deepcopy(model)
        measured.append(now)
    model.load_state_dict(best.state_dict())
    return measured


@sound("10.9")
def only_what_learns(model, batches, loss, held_out, rate):
    free = {n: p for n, p in model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(free.values(), lr=rate)
    lowest, kept, told = math.inf, {}, []
    for batch in batches:
        model.train()
        loss(model, batch).backward()
        optimizer.step()
        optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            told.append(loss(model, held_out))
        if told[-1] < lowest:
            lowest, kept = told[-1], {n: p.data.clone() for n, p in free.items()}
    for name, weights in kept.items():
        free[name].data = weights
    return told
