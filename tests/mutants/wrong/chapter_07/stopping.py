"""Wrong answers to exercise 7.7."""

from __future__ import annotations

import copy
import math

import torch
from mutants.cases import ANY, wrongs


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


wrongs(
    "7.7",
    says="The model was left with its last weights: put",
    last_weights=lambda *a: looped(a, keep=lambda weights: weights),
    shallow=lambda *a: looped(a, keep=dict),
    copied_shallow=lambda *a: looped(a, keep=copy.copy),
    last_weights_in_all=lambda *a: looped(a, keep=lambda weights: weights, reset=False),
)
wrongs(
    "7.7",
    says="A loss that only equals the best was taken",
    equal_counts=lambda *a: looped(a, better=lambda new, best: new <= best),
)
wrongs(
    "7.7",
    says="The weights of the highest loss were kept:",
    larger=lambda *a: looped(a, better=lambda new, best: new > best or best == math.inf),
)
wrongs(
    "7.7",
    says="The looks without a gain were counted in all:",
    in_all=lambda *a: looped(a, reset=False),
)
wrongs(
    "7.7",
    says="You stopped a look late: the look at which",
    late=lambda *a: looped(a, enough=lambda waited, patience: waited > patience),
    late_in_training=lambda *a: looped(
        a, enough=lambda waited, patience: waited > patience, judge=False
    ),
)
wrongs(
    "7.7",
    says="You stopped a look early: `patience` looks in",
    early=lambda *a: looped(a, enough=lambda waited, patience: waited >= patience - 1),
)
wrongs(
    "7.7",
    says="You stopped at the first look that brought",
    at_once=lambda *a: looped(a, enough=lambda waited, patience: True),
)
wrongs(
    "7.7",
    says="You never stopped: after `patience` looks in",
    never=lambda *a: looped(a, enough=lambda waited, patience: False),
)
wrongs(
    "7.7",
    says="You looked after step 1, and then every so",
    before=lambda *a: looped(a, due=lambda step, every: step % every == 0),
)
wrongs(
    "7.7",
    says="You looked after every step: only after each",
    each_step=lambda *a: looped(a, due=lambda step, every: True),
)
wrongs(
    "7.7",
    says=ANY,
    not_at_start=lambda *a: looped(a, due=lambda step, every: step and step % every == 0),
)
wrongs(
    "7.7",
    says="The model was in training mode while it was",
    in_training=lambda *a: looped(a, judge=False),
)
wrongs(
    "7.7",
    says="After the first look the model stayed in eval",
    stays=lambda *a: looped(a, back=False),
)
wrongs(
    "7.7",
    says="The gradients add up over the steps:",
    no_zero=lambda *a: looped(a, zero=False),
)
wrongs(
    "7.7",
    says="You returned the best loss alone: return the",
    best_only=lambda *a: looped(a, out=lambda held_out: min(held_out, default=math.inf)),
)
wrongs(
    "7.7",
    says="Nothing was returned: return the list of the",
    none=lambda *a: looped(a, out=lambda held_out: None),
)
wrongs(
    "7.7",
    says="You returned the last loss alone: return the",
    last_look=lambda *a: looped(a, out=lambda held_out: held_out[-1:]),
)


def _put_back(
    model, optimizer, loss_of, validate, steps, every, patience, *,
    each, early, guard=True, train_first=False,
):  # fmt: skip
    """A loop of the usual kind in which the kept weights, or the mode, go wrong."""
    best, waited, held, kept = math.inf, 0, [], None
    for step in range(steps):
        if train_first:
            model.train()
        optimizer.zero_grad()
        loss_of(model, step).backward()
        optimizer.step()
        if (step + 1) % every:
            continue
        model.eval()
        with torch.no_grad():
            held.append(float(validate(model)))
        if not train_first:
            model.train()
        better = held[-1] < best
        best, waited = (held[-1], 0) if better else (best, waited + 1)
        if better or each:
            kept = copy.deepcopy(model.state_dict())
        if waited >= patience:
            if early:
                return held
            break
    if kept is not None or not guard:
        model.load_state_dict(kept)
    return held


wrongs(
    "7.7",
    says="Where patience ends, you return before the best",
    early_return=lambda *given: _put_back(*given, each=False, early=True),
)
wrongs(
    "7.7",
    says="You kept the weights of every look",
    every_look=lambda *given: _put_back(*given, each=True, early=False),
)
wrongs(
    "7.7",
    says="Where nobody looked, there is nothing to put back",
    nothing_kept=lambda *given: _put_back(*given, each=False, early=False, guard=False),
)
wrongs(
    "7.7",
    says="The model is left in eval mode",
    no_last_train=lambda *given: _put_back(*given, each=False, early=False, train_first=True),
)
