"""Wrong answers to exercise 2.4."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from mutants.cases import course, wrong, wrongs

count_pairs, merge_pair = course("2.2"), course("2.3")


def step(
    choose=lambda c: min(c, key=lambda p: (-c[p], p)),
    count=None,
    merged=None,
    nothing=lambda words: (None, words),
):
    def answer(words, new_id):
        counts = Counter()
        for word in words:
            counts.update(count_pairs(word))
        counts = count(words) if count else counts
        if not counts:
            return nothing(words)
        pair = choose(counts)
        return pair, merged(words, pair, new_id) if merged else [
            merge_pair(w, pair, new_id) for w in words
        ]

    return answer


wrongs(
    "2.4",
    ("On a tie you take the pair that came first", "On a tie the smaller"),
    a=step(lambda c: max(c, key=c.get)),
    b=step(lambda c: c.most_common(1)[0][0]),
)


wrongs(
    "2.4",
    "On a tie you take the larger",
    c=step(lambda c: max(c, key=lambda p: (c[p], p))),
    d=step(lambda c: sorted(c, key=lambda p: (c[p], p))[-1]),
)


wrongs("2.4", "You merge the rarest", e=step(lambda c: min(c, key=lambda p: (c[p], p))))


wrongs("2.4", "You take the smallest pair", f=step(min))


wrongs("2.4", None, g=step(lambda c: c.most_common()[-1][0]), largest_pair=step(max))


wrongs(
    "2.4",
    "You counted a pair across",
    h=step(count=lambda ws: count_pairs([t for w in ws for t in w])),
)


wrongs("2.4", "A run such as", i=step(count=lambda ws: Counter(p for w in ws for p in pairwise(w))))


wrongs(
    "2.4",
    "Add the counts of every word",
    j=step(count=lambda ws: Counter(p for w in ws for p in count_pairs(w))),
)


wrongs(
    "2.4",
    "You keep the count of one word",
    k=step(count=lambda ws: {p: n for w in ws for p, n in count_pairs(w).items()}),
)


wrongs(
    "2.4",
    "You counted in the first word",
    m=step(count=lambda ws: count_pairs(ws[0]) if ws else {}),
)


wrongs(
    "2.4",
    "A word that occurs three times",
    n=step(
        count=lambda ws: sum(
            (Counter(count_pairs(list(w))) for w in set(map(tuple, ws))), Counter()
        )
    ),
)


wrongs("2.4", "The pair is right, but the words are unchanged", o=step(merged=lambda ws, p, n: ws))


wrongs(
    "2.4",
    "The words have flowed together",
    p=step(merged=lambda ws, p, n: [t for w in ws for t in merge_pair(w, p, n)]),
)


wrongs(
    "2.4",
    "The pair is merged in the first word",
    q=step(merged=lambda ws, p, n: [merge_pair(ws[0], p, n), *ws[1:]]),
)


wrongs(
    "2.4",
    "The text must stay whole",
    r=step(
        merged=lambda ws, p, n: [merge_pair(list(w), p, n) for w in dict.fromkeys(map(tuple, ws))]
    ),
)


wrongs("2.4", "Return two things", s=step(nothing=lambda words: None))


wrongs("2.4", "Where no pair is left", t=step(nothing=lambda words: (None, [])))


wrongs(
    "2.4",
    None,
    u=step(nothing=lambda words: (words, None)),
    v=step(merged=lambda ws, p, n: [[p] for w in ws]),
)


wrongs("2.4", None, w=lambda ws, n: step()(ws, n)[1])


wrongs("2.4", ("Right results", "the results"), x=lambda ws, n: step()(ws, n)[::-1])


@wrong("2.4", "`min` or `max` of nothing")
def nothing_left(words, new_id):
    counts = Counter()
    for word in words:
        counts.update(count_pairs(word))
    pair = min(counts, key=lambda pair: (-counts[pair], pair))
    return pair, [merge_pair(word, pair, new_id) for word in words]
