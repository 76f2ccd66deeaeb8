"""Sound answers to exercise 7.7."""

from __future__ import annotations

import copy
import math

import torch
from mutants.cases import sounds


def looped(
    given: tuple,
    keep: object = copy.deepcopy,
    better: object = lambda new, best: new < best,
    enough: object = lambda waited, patience: waited >= patience,
    due: object = lambda step, every: (step + 1) % every == 0,
    reset: bool = True,
    judge: bool = True,
    back: bool = True,
    zero: bool = True,
    out: object = lambda held_out: held_out,
) -> object:
    """A loop with early stopping, with a decision of the learner's own."""
    model, optimizer, loss_of, validate, steps, every, patience = given
    best, kept, waited, held_out = math.inf, None, 0, []
    for step in range(steps):
        if zero:
            optimizer.zero_grad()
        loss_of(model, step).backward()
        optimizer.step()
        if not due(step, every):
            continue
        if judge:
            model.eval()
        with torch.no_grad():
            held_out.append(validate(model))
        if back:
            model.train()
        if better(held_out[-1], best):
            best, kept, waited = held_out[-1], keep(model.state_dict()), 0 if reset else waited
        else:
            waited += 1
            if enough(waited, patience):
                break
    if kept is not None:
        model.load_state_dict(kept)
    return out(held_out)


sounds(
    "7.7",
    looked=lambda *a: looped(a),
    a_tuple=lambda *a: looped(a, out=tuple),
    a_tensor=lambda *a: looped(a, out=lambda held_out: [float(x) for x in held_out]),
    cloned=lambda *a: looped(a, keep=lambda weights: {k: v.clone() for k, v in weights.items()}),
)
