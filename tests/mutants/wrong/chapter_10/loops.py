"""Wrong answers to the last exercises of chapter 10: loops that teach."""

from __future__ import annotations

import torch
from mutants.cases import wrongs
from torch.nn import functional as F


def _teach(loss, clear=True, sgd=False):
    def answer(model, ids, learned, steps, rate):
        kind = torch.optim.SGD if sgd else torch.optim.AdamW
        optimizer, losses = kind(model.parameters(), lr=rate), []
        model.train()
        for _ in range(steps):
            if clear:
                optimizer.zero_grad()
            paid = loss(model(ids[:, :-1]), ids, learned)
            paid.backward()
            optimizer.step()
            losses.append(paid.item())
        return losses

    return answer


def _sound(logits, ids, learned):
    return F.cross_entropy(logits[learned[:, 1:]], ids[:, 1:][learned[:, 1:]])


wrongs(
    "10.8",
    says="The bug is still in it",
    untouched=_teach(lambda x, y, m: F.cross_entropy(x[m[:, :-1]], y[:, 1:][m[:, :-1]])),
)
wrongs(
    "10.8",
    says="Now all tokens are learned",
    unmasked=_teach(lambda x, y, m: F.cross_entropy(x.flatten(0, 1), y[:, 1:].flatten())),
)
wrongs(
    "10.8",
    says="Tokens 0 are left out",
    by_filler=_teach(
        lambda x, y, m: F.cross_entropy(x.flatten(0, 1), y[:, 1:].flatten(), ignore_index=0)
    ),
)
wrongs("10.8", says="The mask is right now. But the gradients", adds_up=_teach(_sound, clear=False))
wrongs(
    "10.8",
    says="The mask is right now. But nothing is learned",
    never_steps=lambda model, ids, learned, steps, rate: [
        _sound(model.train()(ids[:, :-1]), ids, learned).item() for _ in range(steps)
    ],
)
wrongs("10.8", "The mask is right now. But the optimizer is", sgd=_teach(_sound, sgd=True))


def _loop(keep="copy", measure="after", train=True, evaluate=True, load=True, better=min):
    def answer(model, batches, loss, held_out, rate):
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
        told, best = [], None
        model.train()
        for batch in batches:
            if train:
                model.train()
            optimizer.zero_grad()
            loss(model, batch).backward()
            if measure == "after":
                optimizer.step()
            if evaluate:
                model.eval()
            with torch.no_grad():
                told.append(loss(model, held_out).item())
            if measure == "before":
                optimizer.step()
            if told[-1] == better(told):
                now = model.state_dict()
                best = {n: t.clone() for n, t in now.items()} if keep == "copy" else now
        if load:
            model.load_state_dict(best)
        model.eval()
        return told

    return answer


wrongs(
    "10.9",
    says="The model ends with its last weights",
    last=_loop(load=False),
    no_copy=_loop(keep="itself"),
)
wrongs("10.9", says="After the first measurement", once=_loop(train=False))
wrongs("10.9", says="The held-out loss is measured in training", loud=_loop(evaluate=False))
wrongs("10.9", says="The held-out loss is measured before", early=_loop(measure="before"))
wrongs("10.9", says="The weights that you kept paid most", worst=_loop(better=max))

wrongs(
    "10.8",
    says="A token counts here where it or the one before",
    either_mark=_teach(
        lambda x, y, m: F.cross_entropy(x[m[:, 1:] | m[:, :-1]], y[:, 1:][m[:, 1:] | m[:, :-1]])
    ),
)
wrongs(
    "10.8",
    says="Inputs and targets are shifted already, and you",
    twice_shifted=_teach(lambda x, y, m: F.cross_entropy(x[:, :-1][m[:, 2:]], y[:, 2:][m[:, 2:]])),
)
wrongs(
    "10.8",
    says="The mask is right now. But the last loss",
    last_alone=lambda *given: _teach(_sound)(*given)[-1],
)
wrongs(
    "10.8",
    says="The mask is right now. But a step",
    one_step_less=lambda model, ids, learned, steps, rate: _teach(_sound)(
        model, ids, learned, steps - 1, rate
    ),
)
