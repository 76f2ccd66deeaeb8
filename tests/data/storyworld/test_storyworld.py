"""The story world against oracles of its own kind: counting, sampling, and the tree of choices."""

import hashlib
import math
import random
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from utils.data.storyworld import plots as storyworld_plots
from utils.data.storyworld.engine import Choice, Teller, Walk, count_bits
from utils.data.storyworld.world import (
    END,
    VOCABULARY,
    ImpossibleStoryError,
    distributions,
    entropy_per_word,
    facts,
    is_possible,
    log2_probability,
    next_words,
    prose,
    recall_places,
    recalls,
    stories,
    story,
)

ROOT = Path(__file__).parents[3]
FINGERPRINT = "d82ce9e16ef0217f8ffb80412ca6599da46ca3faaf58bfa06016751453bd68ee"


@pytest.fixture(scope="module")
def sample():
    return stories(20_000, seed=11)


def chi_square_is_plausible(observed, expected):
    """Pearson's statistic within 5 standard deviations of its mean (Wilson and Hilferty's cube).

    Both are lists of (counts, expected counts) of one context each; they are pooled.
    """
    statistic = freedom = 0.0
    for seen, awaited in zip(observed, expected, strict=True):
        statistic += sum((s - a) ** 2 / a for s, a in zip(seen, awaited, strict=True))
        freedom += len(seen) - 1
    spread = math.sqrt(2 / (9 * freedom))
    z = ((statistic / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / spread
    return abs(z) < 5


@pytest.mark.slow
def test_counted_beginnings_agree_with_next_words(sample):
    followers = defaultdict(Counter)
    for line in sample:
        words = line.split()
        for length in range(20):
            followers[" ".join(words[:length])][words[length]] += 1
    common = {
        prefix: seen
        for prefix, seen in followers.items()
        if seen.total() >= 120 and len(next_words(prefix)) > 1
    }
    assert len(common) > 50
    observed, expected = [], []
    for prefix, seen in common.items():
        truth = next_words(prefix)
        assert set(seen) <= set(truth)
        observed.append([seen[word] for word in truth])
        expected.append([p * seen.total() for p in truth.values()])
    assert chi_square_is_plausible(observed, expected)


@pytest.mark.slow
def test_choices_deep_in_the_stories_agree_with_next_words_and_the_floor_is_right(sample):
    # Contexts with the same possible words and chances are pooled, wherever they stand.
    pooled = defaultdict(Counter)
    bits = words = 0
    for line in sample:
        walk = Walk(storyworld_plots.story())
        for word in line.split():
            truth = walk.next_words()
            if len(truth) > 1:
                pooled[tuple(truth.items())][word] += 1
                bits -= math.log2(truth[word])
            walk.step(word)
            words += 1
        assert walk.ended
    observed, expected = [], []
    for truth, seen in pooled.items():
        if seen.total() * min(p for _, p in truth) >= 5:
            observed.append([seen[word] for word, _ in truth])
            expected.append([p * seen.total() for _, p in truth])
    assert len(observed) > 100
    assert chi_square_is_plausible(observed, expected)
    assert bits / words == pytest.approx(entropy_per_word(), rel=0.01)


def test_log2_probability_is_the_sum_over_distributions(sample):
    for line in sample[:50]:
        words = line.split()
        chances = distributions(words)
        assert chances[-1] == {END: 1.0}
        total = sum(math.log2(chance[word]) for chance, word in zip(chances, words, strict=False))
        assert log2_probability(words) == pytest.approx(total)
        for chance in chances:
            assert math.fsum(chance.values()) == pytest.approx(1.0, abs=1e-12)
            assert all(p > 0 for p in chance.values())
    middle = len(words) // 2
    assert next_words(words[:middle]) == chances[middle]


def enumerate_plot(new_plot, path=()):
    """Every (probability, words) of a small plot, following each phrase of each choice."""
    plot = new_plot()
    chance, words = 1.0, []
    choice = next(plot)
    for number in path:
        chance *= choice.weights[number] / sum(choice.weights)
        words += choice.phrase(number).words
        try:
            choice = plot.send(number)
        except StopIteration:
            return [(chance, words)]
    return [
        leaf
        for number in range(len(choice.weights))
        for leaf in enumerate_plot(new_plot, [*path, number])
    ]


def test_count_bits_equals_the_sum_over_all_stories_of_a_small_plot():
    def plot():
        teller = Teller()
        yield from teller.tell("colour", ("blue", "red", "orange"), with_article=True)
        if (yield from teller.branch("kite", "drum .", weights=(3, 1))) == 0:
            yield from teller.say("flew , flew", "sank", weights=(1, 4))
            yield from teller.say("and was {colour} .")

    leaves = enumerate_plot(plot)
    assert sum(p for p, _ in leaves) == pytest.approx(1.0)
    bits, words = count_bits(plot)
    assert bits == pytest.approx(-sum(p * math.log2(p) for p, _ in leaves))
    assert words == pytest.approx(sum(p * len(written) for p, written in leaves))


def random_path(draw):
    """The choices of one random story, with the number drawn at each."""
    plot = storyworld_plots.story()
    choice, path, choices = next(plot), [], []
    try:
        while True:
            choices.append(choice)
            path.append(draw.randrange(len(choice.weights)))
            choice = plot.send(path[-1])
    except StopIteration:
        return path, choices


@pytest.mark.slow
def test_same_shape_marks_hold_branch_by_branch():
    draw = random.Random(5)
    checked = 0
    for round_ in range(12):
        path, choices = random_path(draw)
        for depth, choice in enumerate(choices):
            opening = depth < 10  # the whole tree hangs below: dear to walk, so walked once
            if len(choice.weights) == 1 or not choice.same_shape or (opening and round_):
                continue
            after = {
                tuple(round(x, 9) for x in count_bits(storyworld_plots.story, [*path[:depth], n]))
                for n in range(len(choice.weights))
            }
            assert len(after) == 1, choice.templates
            checked += 1
    assert checked > 120


def test_no_phrase_of_a_choice_begins_another():
    draw = random.Random(6)
    for _ in range(300):
        for choice in random_path(draw)[1]:
            assert isinstance(choice, Choice)
            written = sorted(choice.phrase(n).words for n in range(len(choice.weights)))
            for one, other in zip(written, written[1:], strict=False):
                assert other[: len(one)] != one


def test_vocabulary_is_complete_and_sorted(sample):
    assert set(VOCABULARY) == {word for line in sample for word in line.split()}
    assert list(VOCABULARY) == sorted(VOCABULARY)
    assert 200 <= len(VOCABULARY) <= 400
    assert END not in VOCABULARY


def test_stories_are_short_and_their_words_are_single(sample):
    lengths = [len(line.split()) for line in sample]
    assert min(lengths) >= 40
    assert max(lengths) <= 120
    assert all(line == " ".join(line.split()) for line in sample[:500])


def test_seed_fixes_the_stories_and_a_longer_list_begins_like_a_shorter_one():
    assert stories(10, seed=3) == stories(20, seed=3)[:10]
    assert stories(10, seed=3) != stories(10, seed=4)
    assert stories(0) == []


def test_stories_are_the_same_on_every_machine():
    written = "\n".join(stories(200, seed=0)).encode()
    assert hashlib.sha256(written).hexdigest() == FINGERPRINT


def test_the_story_world_needs_no_torch():
    code = "import sys, utils.data.storyworld, utils.data.corpora; print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert ran.stdout.strip() == "False", ran.stderr


def test_an_impossible_beginning_names_the_word_and_what_could_have_stood_there():
    with pytest.raises(ImpossibleStoryError) as caught:
        next_words("Mina had a kite")
    message = str(caught.value)
    assert "'kite'" in message
    assert "word 3" in message
    assert "'blue'" in message
    assert isinstance(caught.value, ValueError)
    assert (caught.value.word, caught.value.position) == ("kite", 3)
    assert set(caught.value.possible) == set(next_words("Mina had a"))


def test_an_impossible_first_word_shows_a_short_list():
    with pytest.raises(ImpossibleStoryError, match="and 8 more"):
        next_words(["mina"])


def test_nothing_comes_after_the_end():
    words = stories(1)[0].split()
    assert next_words(words) == {END: 1.0}
    assert next_words([*words, END]) == {END: 1.0}
    with pytest.raises(ImpossibleStoryError, match=r"'<\|endoftext\|>'"):
        next_words([*words, "And"])
    assert log2_probability([*words, END]) == log2_probability(words)


def test_judges():
    words = stories(1)[0].split()
    assert is_possible(words, whole=True)
    assert is_possible(words[:-3])
    assert not is_possible(words[:-3], whole=True)
    assert not is_possible([words[0], *words])
    assert log2_probability(["Mina", "Mina"]) == -math.inf
    assert log2_probability([]) == 0.0
    assert log2_probability("Mina had") == pytest.approx(math.log2(1 / 16 / 2))
    assert not is_possible([END])


def test_a_story_is_a_coroutine_of_distributions():
    teller = story()
    assert len(next(teller)) == 16
    assert set(teller.send("Mina")) == {"had", "found"}
    with pytest.raises(ImpossibleStoryError):
        teller.send("blue")


@pytest.mark.parametrize(
    ("wrong", "error"), [(-1, ValueError), (2.5, TypeError), (True, TypeError)]
)
def test_number_of_stories_is_checked(wrong, error):
    with pytest.raises(error, match="number of stories"):
        stories(wrong)


def test_facts_stand_in_the_text(sample):
    for line in sample[:200]:
        words = line.split()
        told = facts(words)
        assert {"name", "colour", "thing", "weather", "place", "animal"} <= set(told)
        assert words[0] == told["name"]
        assert words[3:5] == [told["colour"], told["thing"]]
        assert all(word in words for word in told.values())


def test_recalled_words_are_certain_and_repeat_the_fact(sample):
    same_word = {"name", "colour", "thing", "weather", "place", "animal", "relative", "goal"}
    for line in sample[:200]:
        words = line.split()
        chances = distributions(words)
        for index, kind, distance in recalls(words):
            assert chances[index] == {words[index]: 1.0}
            assert 0 < distance <= index
            if kind in same_word:
                assert words[index - distance] == words[index]
                assert words[index] not in words[index - distance + 1 : index]


def test_the_colour_is_recalled_from_far_back(sample):
    far = 0
    for line in sample[:500]:
        words = line.split()
        colours = [r for r in recalls(words) if r.kind == "colour"]
        assert all(words[r.index + 1] == facts(words)["thing"] for r in colours)
        far += any(r.distance >= 30 for r in colours)
    assert far >= 400


def test_places_of_recalls_are_those_of_each_story(sample):
    lines = sample[:20]
    known = [(i, r) for i, line in enumerate(lines) for r in recalls(line.split())]
    assert list(zip(*recall_places(lines), strict=True)) == [(i, r.index) for i, r in known]
    far = recall_places(lines, "colour", distance=30, before=80)
    wanted = [(i, r.index) for i, r in known if r.kind == "colour" and r.distance >= 30]
    assert list(zip(*far, strict=True)) == [(i, j) for i, j in wanted if j < 80]
    assert 0 < len(far[0]) < len(wanted)
    assert recall_places(lines, "no such kind") == ((), ())


def test_counting_counts_down(sample):
    values = {word: n for n, word in enumerate(storyworld_plots.NUMBERS)}
    seen = 0
    for line in sample[:500]:
        words = line.split()
        for index, kind, distance in recalls(words):
            if kind == "count" and words[index - 1] == "left":
                assert values[words[index]] == values[words[index - distance]] - 1
                seen += 1
    assert seen > 200


def test_articles_agree(sample):
    for line in sample[:2000]:
        words = line.split()
        for one, other in zip(words, words[1:], strict=False):
            if one in {"a", "an"}:
                assert (one == "an") == (other[0] in "aeiou"), line


def test_pronouns_agree_with_the_name(sample):
    for line in sample[:2000]:
        words = set(line.split())
        girl = line.split()[0] in storyworld_plots.GIRLS
        wrong = {"He", "he", "His", "his"} if girl else {"She", "she", "Her", "her"}
        assert not words & wrong


def test_prose_reads_like_text():
    line = "Mina had a blue kite . Is it yours ? it asked , twice . It said : no ."
    assert prose(line) == "Mina had a blue kite. Is it yours? it asked, twice. It said: no."
    assert prose([]) == ""


def bits_of_an_ngram(train, test, context):
    """Bits a word of an n-gram with `context` words; counts mixed with the shorter contexts'."""
    counts = [defaultdict(Counter) for _ in range(context + 1)]
    for words in train:
        for i, word in enumerate(words):
            for length in range(min(context, i) + 1):
                counts[length][tuple(words[i - length : i])][word] += 1

    bits = total = 0
    for words in test:
        for i, word in enumerate(words):
            p = 1 / len(VOCABULARY)
            for length in range(min(context, i) + 1):
                seen = counts[length].get(tuple(words[i - length : i]))
                if seen:
                    p = (seen[word] + p) / (seen.total() + 1)
            bits -= math.log2(p)
        total += len(words)
    return bits / total


@pytest.mark.slow
def test_ngrams_stay_far_above_the_floor(sample):
    train = [line.split() for line in sample[:4000]]
    test = [line.split() for line in sample[4000:4100]]
    best = min(bits_of_an_ngram(train, test, context) for context in range(5))
    assert best > 2 * entropy_per_word()
    assert 0.4 < entropy_per_word() < 0.6
