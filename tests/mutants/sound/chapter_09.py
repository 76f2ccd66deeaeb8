"""Sound answers to the exercises of chapter 09, of odd kinds."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from fractions import Fraction
from functools import reduce
from itertools import groupby

import numpy as np
import torch
from mutants.cases import course, sounds
from torch.nn import functional as F

advantages, policy, needed = map(course, ("9.7", "9.8", "9.9"))

sounds(
    "9.1",
    by_slices=lambda q: "".join(
        f"{d}{sum(map(int, q[: i + 1])) % 10}" for i, d in enumerate(q[:-1])
    ),
    by_reduce=lambda q: reduce(
        lambda text, d: f"{text}{d}{(int(text[-1] if text else 0) + int(d)) % 10}", q[:-1], ""
    ),
    by_last_figure=lambda q: "".join(
        d + str(sum(map(int, q[:i])))[-1] for i, d in enumerate(q[:-1], 1)
    ),
    by_numpy=lambda q: "".join(
        f"{a}{b}" for a, b in zip(q[:-1], np.cumsum([int(d) for d in q[:-1]]) % 10, strict=True)
    ),
    by_ord=lambda q: "".join(
        d + chr(48 + sum(ord(e) - 48 for e in q[: i + 1]) % 10) for i, d in enumerate(q[:-1])
    ),
)
sounds(
    "9.2",
    by_split=lambda t: _piece(t.split("=")[-1].split(";", 1)),
    by_find=lambda t: _by_find(t[t.rfind("=") + 1 :]),
    by_regex=lambda t: _last(re.search(r"(?:^|=)([^=;]*);[^=]*$", t)),
    numpy_int=lambda t: (
        None
        if _by_find(t[t.rfind("=") + 1 :]) is None
        else np.int64(_by_find(t[t.rfind("=") + 1 :]))
    ),
)


def _piece(parts):
    before = parts[0]
    fine = len(parts) == 2 and len(before) > 1 and before[-2] == ":" and before[-1] in "0123456789"
    return int(before[-1]) if fine else None


def _by_find(text):
    end = text.find(";")
    return (
        int(text[end - 1])
        if end > 1 and text[end - 2] == ":" and text[end - 1].isdecimal()
        else None
    )


def _last(found):
    return None if not found else _piece([found[1], ""])


def _by_default(answers):
    counts = defaultdict(int)
    for answer in answers:
        if answer is not None:
            counts[answer] += 1
    most = max(counts.values(), default=0)
    return tuple(a for a in counts if counts[a] == most), most


def _by_sorting(answers):
    given = [a for a in answers if a is not None]
    sizes = {a: len(list(g)) for a, g in groupby(sorted(given))}
    most = max(sizes.values(), default=0)
    return [a for a in dict.fromkeys(given) if sizes[a] == most], most


sounds(
    "9.3",
    by_default=_by_default,
    by_sorting=_by_sorting,
    as_list=lambda a: list(_by_default(a)),
    by_count=lambda a: _by_count([x for x in a if x is not None]),
    tensor_votes=lambda a: (_by_default(a)[0], torch.tensor(_by_default(a)[1])),
)


def _by_count(given):
    most = max(map(given.count, given), default=0)
    return list(dict.fromkeys(x for x in given if given.count(x) == most)), most


def _by_fractions(samples, truth, k):
    shares = []
    for answers, right in zip(samples, truth, strict=True):
        total = Fraction(0)
        for i in range(len(answers) // k):
            winners, _ = _by_default(answers[i * k : i * k + k])
            total += Fraction(int(right in winners), max(1, len(winners)))
        shares.append(float(total / (len(answers) // k)))
    return shares


sounds(
    "9.4",
    by_fractions=_by_fractions,
    as_tensor=lambda s, t, k: torch.tensor(_by_fractions(s, t, k), dtype=torch.float64),
    as_array=lambda s, t, k: np.array(_by_fractions(s, t, k)),
    as_tuple=lambda samples, answers_right, size: tuple(
        _by_fractions(samples, answers_right, size)
    ),
)
sounds(
    "9.5",
    fraction=lambda n, c, k: float(1 - Fraction(math.comb(n - c, k), math.comb(n, k))),
    product=lambda n, c, k: (
        1 - math.prod((n - c - i) / (n - i) for i in range(k)) if n - c >= k else 1.0
    ),
    numpy=lambda n, c, k: np.float64(1 - math.comb(n - c, k) / math.comb(n, k)),
    tensor=lambda n, c, k: torch.tensor(1 - math.comb(n - c, k) / math.comb(n, k)),
    perms=lambda n, c, k: 1 - math.perm(n - c, k) / math.perm(n, k),
)
sounds(
    "9.6",
    enumerated=lambda c, s: max(enumerate(c), key=lambda pair: (s(pair[1]), -pair[0]))[1],
    reduced=lambda c, s: reduce(lambda a, b: b if s(b) > s(a) else a, c),
    from_infinity=lambda c, s: _from(c, s, -math.inf),
    by_counter=lambda c, s: (
        Counter({i: s(x) for i, x in enumerate(c)}) and sorted(c, key=s, reverse=True)[0]
    ),
    by_index=lambda options, judge: options[[*map(judge, options)].index(max(map(judge, options)))],
)


def _from(candidates, score, highest):
    best = None
    for candidate in candidates:
        if score(candidate) > highest:
            best, highest = candidate, score(candidate)
    return best


sounds(
    "9.7",
    doubles=lambda r: advantages(r.double()),
    array=lambda r: advantages(r).numpy(),
    normalised=lambda r: F.layer_norm(r, r.shape[1:], eps=1e-12) * (r.amax(1) > r.amin(1))[:, None],
    stacked=lambda r: torch.stack([advantages(row[None])[0] for row in r]),
    einsum=lambda r: _by_einsum(r),
    renamed=lambda paid: advantages(paid),
)


def _by_einsum(rewards):
    size = rewards.shape[1]
    better = rewards - torch.einsum("bg->b", rewards)[:, None] / size
    spread = (torch.einsum("bg,bg->b", better, better)[:, None] / size).sqrt()
    return torch.where(spread > 1e-5, better / spread.clamp(min=1e-5), 0)


sounds(
    "9.8",
    logsumexp=lambda x, t, m, a: (
        -((x.gather(-1, t[..., None])[..., 0] - x.logsumexp(-1)) * m * a[:, None]).sum() / m.sum()
    ),
    picked=lambda x, t, m, a: (
        F.cross_entropy(x[m], t[m], reduction="none") * a[:, None].expand_as(m)[m]
    ).mean(),
    one_hot=lambda x, t, m, a: (
        -torch.einsum(
            "ntv,ntv,nt,n->", x.log_softmax(-1), F.one_hot(t, x.shape[-1]).float(), m.float(), a
        )
        / m.sum()
    ),
    doubled=lambda x, t, m, a: policy(x.double(), t, m, a.double()),
    nll=lambda logits, tokens, mask, better: (
        (
            F.nll_loss(logits.log_softmax(-1).transpose(1, 2), tokens, reduction="none")
            * mask
            * better[:, None]
        ).sum()
        / mask.float().sum()
    ),
)
sounds(
    "9.9",
    exact=needed,
    one_more=lambda share, n: needed(share, n) + (share < 0.35),
    floating=lambda s, n: float(needed(s, n)),
)
