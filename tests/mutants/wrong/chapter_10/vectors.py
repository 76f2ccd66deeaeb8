"""Wrong answers to exercises of chapter 10: soft prompts, near words, weights of others."""

from __future__ import annotations

import torch
from mutants.cases import ANY, wrongs
from torch.nn import functional as F


def _soft(front, targets):
    def answer(soft, ids, tokens):
        inputs = torch.cat([front(soft).expand(len(ids), -1, -1), tokens[ids]], dim=1)
        return inputs, targets(len(soft), ids)

    return answer


def _asked(p, ids):
    return F.pad(ids, (p - 1, 1), value=-100)


wrongs(
    "10.5",
    says="The numbers are right, but only a part",
    first_learns=_soft(lambda s: torch.cat([s[:1], s[1:].detach()]), _asked),
    last_learns=_soft(lambda s: torch.cat([s[:-1].detach(), s[-1:]]), _asked),
)
wrongs(
    "10.5",
    says="The numbers are right, but autograd",
    as_numpy=lambda s, y, t: (
        torch.cat([s.expand(len(y), -1, -1), t[y]], 1).detach().numpy(),
        _asked(len(s), y),
    ),
    detached=_soft(lambda s: s.detach(), _asked),
)
wrongs(
    "10.5",
    says="The targets are off by one",
    late=_soft(lambda s: s, lambda p, y: F.pad(y, (p, 0), value=-100)),
)
wrongs(
    "10.5",
    says="The soft prompt runs backwards",
    backwards=_soft(lambda s: s.flip(0), _asked),
    backwards_and_late=_soft(lambda s: s.flip(0), lambda p, y: F.pad(y, (p, 0), value=-100)),
)
wrongs(
    "10.5",
    says="Where nothing is wanted the target is −100, which cross_entropy leaves out: 0",
    zeros=_soft(lambda s: s, lambda p, y: F.pad(y, (p - 1, 1))),
)
wrongs("10.5", ANY, scaled=_soft(lambda s: s / len(s), _asked), only_inputs=lambda s, y, t: t[y])

wrongs(
    "10.6",
    says="You divided by the squared lengths",
    squares=lambda v, t: (v @ t.T / (v**2).sum(1)[:, None] / (t**2).sum(1)).max(1)[::-1],
)
wrongs(
    "10.6",
    says="1 − cosine is how far",
    farthest=lambda v, t: (1 - F.cosine_similarity(v[:, None], t, dim=-1)).max(1)[::-1],
)
wrongs(
    "10.6",
    says="The ids are right, and beside them stands 1 − cosine",
    gap=lambda v, t: (1 - F.cosine_similarity(v[:, None], t, dim=-1)).min(1)[::-1],
)
wrongs(
    "10.6",
    says="The ids are right, and beside them stands the angle:",
    angle=lambda v, t: F.cosine_similarity(v[:, None], t, dim=-1).acos().min(1)[::-1],
)
wrongs(
    "10.6",
    says="The two are swapped",
    values_first=lambda v, t: tuple(F.cosine_similarity(v[:, None], t, dim=-1).max(1)),
    dots_values_first=lambda v, t: tuple((v @ t.T).max(1)),
)
wrongs("10.6", says="Only the ids", ids=lambda v, t: (F.normalize(v) @ F.normalize(t).T).argmax(1))
wrongs(
    "10.6",
    says="This is the smallest distance, told as a distance",
    distance=lambda v, t: ((v[:, None] - t) ** 2).sum(-1).sqrt().min(1)[::-1],
)
wrongs("10.6", sixteen=lambda v, t: (torch.zeros(len(v), dtype=torch.long), torch.zeros(len(v))))

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


def _mapped(state, turn=lambda block, t: block and t.ndim == 2, block="blocks", skip=None):
    found = {}
    for name, tensor in state.items():
        if skip and skip(name):
            continue
        parts = name.split(".")[1:]
        front = ""
        if parts[0] == "h":
            front, parts = f"{block}.{parts[1]}.", parts[2:]
        key = front + OURS[".".join(parts[:-1])] + "." + parts[-1]
        found[key] = tensor.T if turn(front, tensor) else tensor
    return found


def _head(name):
    return name == "lm_head.weight"


wrongs("10.7", says="It fails at lm_head.weight alone", looked_up=_mapped)
wrongs(
    "10.7",
    says="The head is in it",
    kept=lambda s: {**_mapped(s, skip=_head), "head.weight": s["lm_head.weight"]},
    kept_as_theirs=lambda s: {**_mapped(s, skip=_head), "lm_head.weight": s["lm_head.weight"]},
)
wrongs(
    "10.7",
    says="The numbers are rounded to 16 bits",
    half=lambda s: {n: t.half() for n, t in _mapped(s, skip=_head).items()},
    brain=lambda s: {n: t.bfloat16() for n, t in _mapped(s, skip=_head).items()},
)
wrongs(
    "10.7",
    says="The matrices are not transposed",
    as_they_lie=lambda s: _mapped(s, turn=lambda *a: False, skip=_head),
    as_they_lie_in_h=lambda s: _mapped(s, turn=lambda *a: False, block="h", skip=_head),
)
wrongs("10.7", says="The blocks are still called h", h=lambda s: _mapped(s, block="h", skip=_head))
wrongs(
    "10.7",
    says="Only the two tables were transposed",
    tables=lambda s: _mapped(s, turn=lambda block, t: not block and t.ndim == 2, skip=_head),
)
wrongs(
    "10.7",
    ANY,
    layer=lambda s: _mapped(s, block="layers", skip=_head),
    doubled=lambda s: {n: 2 * t for n, t in _mapped(s, skip=_head).items()},
)
