"""Wrong answers to the exercises of chapter 09."""

from __future__ import annotations

import math
import re
from collections import Counter

import numpy as np
import torch
from mutants.cases import course, wrong, wrongs
from torch.nn import functional as F

scratch, parse, vote, maj, best, advantages, policy = map(
    course, ("9.1", "9.2", "9.3", "9.4", "9.6", "9.7", "9.8")
)

wrongs(
    "9.1",
    "The sums run over ten",
    no_modulo=lambda q: "".join(f"{d}{sum(map(int, q[: i + 1]))}" for i, d in enumerate(q[:-1])),
)
wrongs("9.1", "The figures are right", lines=lambda q: "\n".join(_pairs(q)))
wrongs("9.1", "The figures are right", plus=lambda q: "+".join(_pairs(q)))
wrongs("9.1", "Spaces stand", spaced=lambda q: " ".join(scratch(q)))
wrongs("9.1", "A list is no text", listed=lambda q: list(scratch(q)))
wrongs("9.1", "A number forgets", number=lambda q: int(scratch(q)))
wrongs("9.1", "You copied the digits", only_digits=lambda q: q[:-1])
wrongs("9.1", "Each sum is written before", turned=lambda q: "".join(p[::-1] for p in _pairs(q)))
wrongs("9.1", "You multiply", product=lambda q: _running(q, lambda a, b: a * b % 10))
wrongs("9.1", "any", difference=lambda q: _running(q, lambda a, b: (a - b) % 10))
wrongs("9.1", "any", starts_at_one=lambda q: _running(q, lambda a, b: (a + b) % 10, start=1))
wrongs("9.1", "any", int_of_equals=lambda q: "".join(f"{c}{int(c)}" for c in q))


def _pairs(question):
    text = scratch(question)
    return [text[i : i + 2] for i in range(0, len(text), 2)]


def _running(question, join, start=None):
    total, text = start, ""
    for digit in map(int, question[:-1]):
        total = digit if total is None else join(total, digit)
        text += f"{digit}{total}"
    return text


wrongs(
    "9.2",
    "The first `;` behind",
    looks_on=lambda t: _one(re.search(r":(\d);", t.split("=")[-1])),
    all_found=lambda t: _one(next(re.finditer(r":([0-9]);", t[t.rfind("=") + 1 :]), None)),
)
wrongs("9.2", "You took the first answer", first=lambda t: _one(re.search(r":(\d);", t)))
wrongs(
    "9.2",
    "You took an answer that wasn't finished",
    no_end=lambda t: _one(re.search(r":(\d)$", t.split("=")[-1].split(";")[0])),
)
wrongs(
    "9.2", "No answer must give None: −1", minus_one=lambda t: -1 if parse(t) is None else parse(t)
)
wrongs("9.2", "The answer 0 became None", falsy=lambda t: parse(t) if parse(t) else None)
wrongs(
    "9.2",
    "The answer 0 became None",
    from_1=lambda t: {**{i: i for i in range(1, 10)}}.get(parse(t)),
)
wrongs("9.2", "Return a number", text=lambda t: None if parse(t) is None else str(parse(t)))
wrongs(
    "9.2",
    says="any",
    crash=lambda t: int(t.split("=")[-1].split(";")[0].split(":")[1]),
    index=lambda t: int(t[t.index(":") + 1]),
    two_before_end=lambda t: int(t[-2]) if t.endswith(";") else None,
    anywhere=lambda t: int(re.findall(r"\d", t)[-1]),
    whole_piece=lambda t: int(t.rpartition(":")[2].rstrip(";")),
)


def _one(found):
    return int(found[1]) if found else None


wrongs("9.3", "A tie was broken in silence", common=lambda a: _common(a))
wrongs("9.3", "None won", nones=lambda a: _tally(list(a)))
wrongs("9.3", "The answer 0 lost", falsy=lambda a: _tally([x for x in a if x]))
wrongs("9.3", "You returned how many winners", n_winners=lambda a: (vote(a)[0], len(vote(a)[0])))
wrongs("9.3", "You return the votes first", swapped=lambda a: vote(a)[::-1])
wrongs("9.3", "With no votes", no_default=lambda a: _tally([x for x in a if x is not None], None))
wrongs(
    "9.3",
    says="any",
    a_set=lambda a: ({*vote(a)[0]}, vote(a)[1]),
    counter=lambda a: Counter(a).most_common(),
    max_answer=lambda a: max(a, key=a.count),
    half=lambda a: (vote(a)[0], vote(a)[1] // 2),
)


def _tally(answers, default=0):
    counts = Counter(answers)
    values = counts.values()
    most = max(values) if default is None else max(values, default=default)
    return [a for a, n in counts.items() if n == most], most


def _common(answers):
    counts = Counter(a for a in answers if a is not None).most_common(1)
    return ([counts[0][0]], counts[0][1]) if counts else ([], 0)


def _grouped(samples, truth, k, worth, divide=lambda n, k: n // k):
    return [
        sum(worth(a[i * k : (i + 1) * k], r) for i in range(len(a) // k)) / divide(len(a), k)
        for a, r in zip(samples, truth, strict=True)
    ]


wrongs(
    "9.4",
    "A tie counted as a full win",
    any_winner=lambda s, t, k: _grouped(s, t, k, lambda g, r: float(r in vote(g)[0])),
)
wrongs(
    "9.4",
    "You divide by the number of answers",
    by_n=lambda s, t, k: _grouped(
        s, t, k, lambda g, r: (r in vote(g)[0]) / max(1, len(vote(g)[0])), lambda n, k: n
    ),
)
wrongs("9.4", "This is the mean over all", one=lambda s, t, k: sum(maj(s, t, k)) / len(s))
wrongs(
    "9.4",
    says="any",
    percent=lambda s, t, k: [100 * x for x in maj(s, t, k)],
    winners_first=lambda s, t, k: _grouped(s, t, k, lambda g, r: float(vote(g)[0][0] == r)),
    rounded=lambda s, t, k: [round(x) for x in maj(s, t, k)],
    last_group_only=lambda s, t, k: [maj([a[-k:]], [r], k)[0] for a, r in zip(s, t, strict=True)],
)
wrongs("9.5", "1 − (1 − c/n)", back=lambda n, c, k: 1 - ((n - c) / n) ** k)
wrongs(
    "9.5",
    "This is the chance that none",
    none=lambda n, c, k: math.comb(n - c, k) / math.comb(n, k),
)
wrongs("9.5", "This is c / n", single=lambda n, c, k: c / n)
wrongs("9.5", "k · c / n", added=lambda n, c, k: k * c / n)
wrongs(
    "9.5",
    says="any",
    exact_k=lambda n, c, k: math.comb(c, 1) * math.comb(n - c, k - 1) / math.comb(n, k),
    perm_and_comb=lambda n, c, k: 1 - math.perm(n - c, k) / math.comb(n, k),
    factorials=lambda n, c, k: 1 - math.factorial(n - c) / math.factorial(n),
    whole=lambda n, c, k: 1 - math.comb(n - c, k) // math.comb(n, k),
)
wrongs("9.6", "You returned the score", score=lambda c, s: max(s(x) for x in c))
wrongs("9.6", "You returned its place", place=lambda c, s: [s(x) for x in c].index(max(map(s, c))))
wrongs("9.6", "The largest candidate", plain=lambda c, s: sorted(c)[-1])
wrongs("9.6", "This is the worst", worst=lambda c, s: sorted(c, key=s)[0])
wrongs("9.6", "Of equal scores", last=lambda c, s: sorted(c, key=s)[-1])
wrongs("9.6", "Your search begins at a score of 0", zero=lambda c, s: _search(c, s, 0))
wrongs("9.6", "Your search begins at a score of −1", one_below=lambda c, s: _search(c, s, -1))
wrongs("9.6", says="any", lone=lambda c, s: [best(c, s)], key_missing=lambda c, s: max(c, s))


def _search(candidates, score, start):
    found = None
    for candidate in candidates:
        if score(candidate) > start:
            found, start = candidate, score(candidate)
    return found


wrongs("9.7", "This divides by G − 1", sample=lambda r: _shared(r, r.std(dim=1, keepdim=True)))
wrongs("9.7", "The division by the deviation", bare=lambda r: r - r.mean(dim=1, keepdim=True))
wrongs(
    "9.7", "The mean is taken over all", all_of_it=lambda r: (r - r.mean()) / r.std(correction=0)
)
wrongs("9.7", "You compared the answers across", down=lambda r: advantages(r.T).T)
wrongs(
    "9.7",
    ("This divides by G − 1", "A group whose rewards"),
    torchs=lambda r: (r - r.mean(1, keepdim=True)) / r.std(1, keepdim=True),
)
wrongs(
    "9.7",
    says="any",
    no_keepdim=lambda r: (r - r.mean(1)) / r.std(1, correction=0),
    ranks=lambda r: r.argsort(1).argsort(1).float(),
    softmaxed=lambda r: r.softmax(1),
)


def _shared(rewards, spread):
    better = rewards - rewards.mean(dim=1, keepdim=True)
    return torch.where(spread > 1e-6, better / spread.clamp(min=1e-6), 0.0)


@wrong("9.8", "The sign is turned round")
def uphill(logits, targets, learned, advantages):
    log_p = logits.log_softmax(-1).gather(-1, targets[..., None]).squeeze(-1)
    return (log_p * learned * advantages[:, None]).sum() / learned.sum()


@wrong("9.8", "What stands behind the end")
def unmasked(logits, targets, learned, advantages):
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return (losses.view_as(targets) * advantages[:, None]).sum() / learned.sum()


@wrong("9.8", "You divide by all places")
def mean_of_all(logits, targets, learned, advantages):
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return (losses.view_as(targets) * learned * advantages[:, None]).mean()


@wrong("9.8", "The advantages are missing")
def plain(logits, targets, learned, advantages):
    return F.cross_entropy(logits[learned], targets[learned])


@wrong("9.8", "any")
def turned_advantages(logits, targets, learned, advantages):
    log_p = logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0]
    return -(log_p * learned * advantages[None, :]).sum() / learned.sum()


@wrong("9.8", "any")
def arguments_swapped(logits, targets, learned, advantages):
    return F.cross_entropy(targets.float(), logits.argmax(-1).float())


wrongs("9.8", "The loss is cut off", item=lambda *args: torch.tensor(policy(*args).item()))
wrongs(
    "9.9", "This is pass@k", passes=lambda share, n: math.ceil(math.log(0.05) / math.log(1 - share))
)
wrongs("9.9", "That is how many it takes to be right 90", for_90=lambda *a: _first(*a, enough=0.9))
wrongs(
    "9.9", "That is how many it takes where a tie counts as a win", won=lambda *a: _first(*a, True)
)
wrongs("9.9", "Nine wrong answers share", of_ten=lambda share, n: _first(share, 9))
wrongs("9.9", "Your k doubles", doubling=lambda *a: 2 ** math.ceil(math.log2(_first(*a))))
wrongs("9.9", "Nothing came back", by_half=lambda share, n: None)
wrongs("9.9", "You return 18", always=lambda share, n: 18)
wrongs("9.9", "You returned 0.95", the_share=lambda share, n: 0.9512)
wrongs("9.9", "You measured 22, and 35 to 40 are right here. Too few", lucky=lambda *a: 22)
wrongs("9.9", "You measured", doubled=lambda share, n: 2 * course("9.9")(share, n))
wrongs("9.9", says="any", half=lambda share, n: 10, rule=lambda share, n: int(1 / share**3))
wrongs("9.4", says="any", two_winners=lambda s, t, k: _grouped(s, t, k, lambda g, r: _cut(g, r)))
wrongs("9.6", "Each candidate is compared", neighbours=lambda c, s: _climb(c, s))
wrongs("9.6", says="any", whole=lambda c, s: max(c, key=lambda x: int(s(x))))


def _cut(group, right):
    winners = vote(group)[0][:2]
    return (right in winners) / max(1, len(winners))


def _climb(candidates, score):
    best = candidates[0]
    for a, b in zip(candidates, candidates[1:], strict=False):
        best = b if score(b) > score(a) else best
    return best


def _first(share, n, won=False, enough=0.95):
    dice, chances = np.random.default_rng(0), [share] + [(1 - share) / n] * n
    for k in range(1, 200):
        counts = dice.multinomial(k, chances, size=4001)
        best = counts == counts.max(axis=1, keepdims=True)
        if (best[:, 0] / (1 if won else best.sum(axis=1))).mean() >= enough:
            return k
    return 200


wrongs("9.7", says="any", exactly_nought=lambda r: _where_nought(r))


def _where_nought(rewards):
    deviation = rewards.std(dim=1, correction=0, keepdim=True)
    better = rewards - rewards.mean(1, keepdim=True)
    return torch.where(deviation == 0, 0.0, better / deviation)


@wrong("9.2", "A text without a `=`")
def needs_an_equals_sign(text):
    if "=" not in text:
        return None
    piece, end, _ = text.rpartition("=")[2].partition(";")
    found = end and piece[-2:-1] == ":" and piece[-1] in "0123456789"
    return int(piece[-1]) if found else None


wrongs("9.7", "You added 0.1 to the deviation", blunt=lambda r: _over(r, lambda d: d + 0.1))
wrongs("9.7", "You divided by the variance", squared=lambda r: _over(r, lambda d: d * d + 1e-6))
wrongs("9.2", "Nobody looked for the `:`", any_digit=lambda t: _before_the_end(t))


def _over(rewards, below):
    better = rewards - rewards.mean(1, keepdim=True)
    return better / below(rewards.std(1, correction=0, keepdim=True))


def _before_the_end(text):
    piece, end, _ = text.rpartition("=")[2].partition(";")
    return int(piece[-1]) if end == ";" and piece and piece[-1].isdigit() else None


wrongs("9.9", "You measured", for_80=lambda *a: _first(*a, enough=0.8))
wrongs("9.9", "You measured", for_99=lambda *a: _first(*a, enough=0.99))
