"""Wrong answers to the exercise of chapter 00."""

from __future__ import annotations

from collections import Counter, defaultdict

from mutants.cases import wrong, wrongs


def followers(words, word):
    return [b for a, b in zip(words, words[1:], strict=False) if a == word]


wrongs("0.1", "You look for the word inside", substring=lambda ws, w: _best(ws, lambda a: w in a))
wrongs("0.1", "You also take words", starts=lambda ws, w: _best(ws, lambda a: a.startswith(w)))
wrongs(
    "0.1",
    "You make no difference between capitals",
    lowered=lambda ws, w: _best(ws, lambda a: a.lower() == w.lower()),
    folded=lambda ws, w: _best(ws, lambda a: a.casefold() == w.casefold()),
)
wrongs("0.1", "That is the rarest", least=lambda ws, w: _ranked(ws, w, -1))
wrongs("0.1", "You return the word together", pair=lambda ws, w: _top(ws, w))
wrongs("0.1", says="any", a_set=lambda ws, w: _by_set(ws, w), empty_list=lambda ws, w: [])
wrongs(
    "0.1",
    says=("You return how often",),
    count=lambda ws, w: (_top(ws, w) or (None, None))[1],
    largest_count=lambda ws, w: max(Counter(followers(ws, w)).values(), default=None),
)


def _best(words, matches):
    counts = Counter(b for a, b in zip(words, words[1:], strict=False) if matches(a))
    return counts.most_common(1)[0][0] if counts else None


def _ranked(words, word, rank):
    counts = Counter(followers(words, word)).most_common()
    return counts[rank][0] if counts else None


def _top(words, word):
    counts = Counter(followers(words, word)).most_common(1)
    return counts[0] if counts else None


def _by_set(words, word):
    return max(set(followers(words, word)), key=followers(words, word).count, default=None)


@wrong("0.1", "You return the word together")
def list_of_a_pair(words, word):
    return Counter(followers(words, word)).most_common(1)[0] if followers(words, word) else None


@wrong("0.1", "A word that nothing comes after")
def no_empty_case(words, word):
    return Counter(followers(words, word)).most_common(1)[0][0]


@wrong("0.1", "`max` of nothing raises")
def max_without_default(words, word):
    counts = Counter(followers(words, word))
    return max(counts, key=counts.get)


@wrong("0.1", "Where the text ends with the word, you look one place past")
def index_past_the_end(words, word):
    counts = defaultdict(int)
    for i, w in enumerate(words):
        if w == word:
            counts[words[i + 1]] += 1
    return max(counts, key=counts.get, default=None)


@wrong("0.1", "That is the first word that ever")
def first_found(words, word):
    for i in range(len(words) - 1):
        if words[i] == word:
            return words[i + 1]
    return None


@wrong("0.1", "That is the first word that ever")
def counts_reset(words, word):
    counts = {}
    for a, b in zip(words, words[1:], strict=False):
        if a == word:
            counts[b] = 1
    return max(counts, key=counts.get, default=None)


@wrong("0.1", "That is the last word that")
def overwritten(words, word):
    follower = {}
    for a, b in zip(words, words[1:], strict=False):
        follower[a] = b
    return follower.get(word)


@wrong("0.1", "That is the word that comes before")
def looks_back(words, word):
    counts = Counter(a for a, b in zip(words, words[1:], strict=False) if b == word)
    return counts.most_common(1)[0][0] if counts else None


@wrong("0.1", "The last pair of the text")
def stops_early(words, word):
    counts = Counter(words[i + 1] for i in range(len(words) - 2) if words[i] == word)
    return counts.most_common(1)[0][0] if counts else None


@wrong("0.1", "The first pair of the text")
def starts_late(words, word):
    counts = Counter(words[i + 1] for i in range(1, len(words) - 1) if words[i] == word)
    return counts.most_common(1)[0][0] if counts else None


@wrong("0.1", "You let the text start over")
def wraps(words, word):
    n = len(words)
    counts = Counter(words[(i + 1) % n] for i in range(n) if words[i] == word)
    return counts.most_common(1)[0][0] if counts else None


@wrong("0.1", "On a tie")
def later_wins(words, word):
    counts, best = Counter(), None
    for b in followers(words, word):
        counts[b] += 1
    for b in counts:
        if best is None or counts[b] >= counts[best]:
            best = b
    return best


@wrong("0.1", "On a tie you go by the alphabet")
def sorted_first(words, word):
    counts = Counter(followers(words, word))
    return min(counts, key=lambda b: (-counts[b], b), default=None)


@wrong("0.1", "On a tie")
def largest_by_alphabet(words, word):
    counts = Counter(followers(words, word))
    return max(counts, key=lambda b: (counts[b], b), default=None)


@wrong("0.1", "On a tie the first")
def running_favourite(words, word):
    """The first to reach the largest count wins, who need not be the first to come."""
    counts, best = Counter(), None
    for b in followers(words, word):
        counts[b] += 1
        if best is None or counts[b] > counts[best]:
            best = b
    return best


@wrong("0.1", "That is the most frequent word of the whole text")
def favourite_of_all(words, word):
    return Counter(words).most_common(1)[0][0] if words else None


@wrong("0.1", "Where nothing comes after the word, you return an empty string")
def empty_text(words, word):
    return max(followers(words, word), key=followers(words, word).count, default="")


@wrong("0.1")
def all_followers(words, word):
    return followers(words, word)


@wrong("0.1")
def dictionary(words, word):
    return dict(Counter(followers(words, word)))


@wrong("0.1", "You look two words further on")
def two_further_on(words, word):
    counts = Counter(b for a, b in zip(words, words[2:], strict=False) if a == word)
    return counts.most_common(1)[0][0] if counts else None


@wrong("0.1", ("That is the first word", "You look for the word inside"))
def inside_and_first(words, word):
    return next((b for a, b in zip(words, words[1:], strict=False) if word in a), None)


@wrong("0.1", "You cut the text into separate couples")
def couples(words, word):
    counts = Counter(b for a, b in zip(words[::2], words[1::2], strict=False) if a == word)
    return counts.most_common(1)[0][0] if counts else None


@wrong("0.1", "A word may follow itself")
def never_itself(words, word):
    counts = Counter(b for b in followers(words, word) if b != word)
    return counts.most_common(1)[0][0] if counts else None


@wrong("0.1", "This is the most frequent word of the whole text, where")
def favourite_where_it_occurs(words, word):
    return max(words, key=words.count) if word in words else None


@wrong("0.1", "On a tie you return the word that stands first in the whole text")
def tie_by_the_whole_text(words, word):
    found = followers(words, word)
    return max(set(found), key=lambda w: (found.count(w), -words.index(w))) if found else None


@wrong("0.1")
def not_behind_itself(words, word):
    counts = Counter()
    for i in range(len(words) - 1):
        if words[i] == word and (i == 0 or words[i - 1] != word):
            counts[words[i + 1]] += 1
    return counts.most_common(1)[0][0] if counts else None


@wrong("0.1", "You go on behind the word")
def skips_the_pair_after_a_found_one(words, word):
    counts, i = Counter(), 0
    while i < len(words) - 1:
        if words[i] == word:
            counts[words[i + 1]] += 1
            i += 2
        else:
            i += 1
    return max(counts, key=counts.get, default=None)
