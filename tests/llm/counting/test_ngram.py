"""The n-gram model against the formula, written out with dictionaries and fractions."""

import math
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.llm.counting.ngram import NGramModel

stories = st.lists(st.lists(st.sampled_from("abcd"), max_size=8), min_size=1, max_size=5)
stories = stories.filter(any)


def by_formula(text, vocabulary, order, strength):
    """p(word | history) as exact fractions; `None` are the start words."""
    counts = Counter()
    for story in text:
        padded = [None] * (order - 1) + list(story)
        for i in range(order - 1, len(padded)):
            for n in range(order):
                counts[tuple(padded[i - n : i]), padded[i]] += 1

    def chance(word, history):
        if history is None:
            return Fraction(1, len(vocabulary))
        total = sum(n for (context, _), n in counts.items() if context == history)
        below = chance(word, history[1:] if history else None)
        return (counts[history, word] + strength * below) / (total + strength)

    return chance


class TestFormula:
    @settings(deadline=None, max_examples=60)
    @given(stories, st.integers(1, 5), st.sampled_from([Fraction(1, 4), Fraction(3)]), st.data())
    def test_equals_the_formula(self, text, order, strength, data):
        vocabulary = sorted({word for story in text for word in story} | {"new"})
        model = NGramModel(order, float(strength)).fit(text, vocabulary)
        chance = by_formula(text, vocabulary, order, strength)
        other = data.draw(st.lists(st.sampled_from(vocabulary), min_size=1, max_size=6))
        bits = model.word_bits(other)
        for i, word in enumerate(other):
            padded = [None] * (order - 1) + other[:i]
            history = tuple(padded[len(padded) - order + 1 :])
            exact = {w: float(chance(w, history)) for w in vocabulary}
            assert model.next_words(other[:i]) == pytest.approx(exact, rel=1e-9)
            assert bits[i] == pytest.approx(-math.log2(exact[word]), rel=1e-9)
        assert model.bits_per_word(other) == pytest.approx(bits.mean())

    def test_by_hand(self):
        model = NGramModel(2, strength=1).fit("a b a c".split())
        unigram = (1 + 1 / 3) / (4 + 1)
        assert model.next_words(["a"])["c"] == pytest.approx((1 + unigram) / (2 + 1))

    @settings(deadline=None)
    @given(stories, st.integers(1, 4), st.lists(st.sampled_from("abcdz"), max_size=5))
    def test_chances_sum_to_one(self, text, order, prefix):
        model = NGramModel(order, 0.3).fit(text)
        chances = model.next_words(prefix)
        assert math.fsum(chances.values()) == pytest.approx(1, abs=1e-12)
        assert min(chances.values()) > 0
        assert tuple(chances) == model.vocabulary

    def test_a_longer_order_learns_what_a_shorter_one_cannot(self):
        text = "a b c a d c b e".split() * 40
        bits = [NGramModel(n, 0.01).fit(text).bits_per_word(text) for n in (1, 2, 3)]
        assert bits[0] > 2
        assert 0.5 < bits[1] < bits[0]
        assert bits[2] < 0.1


class TestStories:
    def test_contexts_do_not_cross_the_borders(self):
        model = NGramModel(3, 0.001).fit([["a", "b"], ["c", "b"], ["c", "d"]])
        assert model.next_words(["b"])["c"] < 0.5  # "b c" stands only across a border
        assert model.next_words([])["c"] == pytest.approx(2 / 3, abs=0.01)

    def test_the_order_of_stories_does_not_matter(self):
        one, two = ["a", "b", "a"], ["b", "b", "c"]
        forth = NGramModel(4).fit([one, two])
        back = NGramModel(4).fit([two, one])
        assert forth.next_words(["b"]) == back.next_words(["b"])
        assert forth.bits_per_word([one, two]) == pytest.approx(back.bits_per_word([two, one]))

    def test_a_flat_list_is_one_story(self):
        words = "a b a c a b".split()
        assert NGramModel(3).fit(words).next_words(["a"]) == NGramModel(3).fit([words]).next_words(
            ["a"]
        )

    def test_a_mean_over_words_and_not_over_stories(self):
        model = NGramModel(1).fit("a a a b".split())
        a, b = model.word_bits(["a", "b"])
        assert model.bits_per_word([["a"], ["b", "b", "b"]]) == pytest.approx((a + 3 * b) / 4)

    def test_empty_stories_are_no_trouble(self):
        model = NGramModel(2).fit([[], ["a", "b"], []])
        assert len(model.word_bits([["a"], [], ["b"]])) == 2

    def test_only_the_last_words_of_a_prefix_matter(self):
        model = NGramModel(3).fit("a b c a b d".split())
        assert model.next_words("d d a b".split()) == model.next_words("c a b".split())

    def test_order_one_looks_at_nothing(self):
        model = NGramModel(1).fit("a b a".split())
        assert model.next_words(["a"]) == model.next_words([]) == model.next_words(["b", "b"])

    def test_unknown_words_in_a_prefix_back_off(self):
        model = NGramModel(3).fit("a b c a b d".split())
        shorter = NGramModel(1).fit("a b c a b d".split())
        assert model.next_words(["a", "zebra"]) == pytest.approx(shorter.next_words())
        one = NGramModel(2).fit("a b c a b d".split())
        for word in "abc":
            backed_off = one.next_words([word])
            assert model.next_words(["zebra", word]) == pytest.approx(backed_off)

    def test_writing_repeats_for_a_seed_and_follows_the_counts(self):
        model = NGramModel(2, 1e-9).fit("a b c".split() * 50)
        assert model.write(6, prefix=["c"], seed=5) == "a b c a b c".split()
        loose = NGramModel(2, 5.0).fit("a b c".split())
        assert loose.write(30, seed=1) == loose.write(30, seed=1) != loose.write(30, seed=2)


class TestErrors:
    def test_a_word_outside_the_vocabulary(self):
        with pytest.raises(ValueError, match=r"'zebra' is not in the vocabulary of 2 words"):
            NGramModel(2).fit(["a", "b"]).bits_per_word(["a", "zebra"])
        with pytest.raises(ValueError, match=r"'b' is not in the vocabulary of 1 words"):
            NGramModel(2).fit(["a", "b"], vocabulary=["a"])

    @pytest.mark.parametrize("order", [0, -1])
    def test_order_begins_at_one(self, order):
        with pytest.raises(ValueError, match=f"order is {order}; it must be at least 1"):
            NGramModel(order)

    @pytest.mark.parametrize("order", [2.0, "2", True])
    def test_order_is_a_whole_number(self, order):
        with pytest.raises(TypeError, match="order must be an int"):
            NGramModel(order)

    @pytest.mark.parametrize("strength", [0, -1.0, math.nan, math.inf])
    def test_strength_is_positive(self, strength):
        with pytest.raises(ValueError, match=r"strength is .* above 0"):
            NGramModel(2, strength)

    @pytest.mark.parametrize("words", [[], [[]], [[], []]])
    def test_no_words(self, words):
        with pytest.raises(ValueError, match="no word"):
            NGramModel(2).fit(words)
        with pytest.raises(ValueError, match="no word"):
            NGramModel(2).fit(["a"]).bits_per_word(words)

    def test_text_that_was_not_split(self):
        with pytest.raises(TypeError, match=r"split it: text\.split\(\)"):
            NGramModel(2).fit("a b c")
        with pytest.raises(ValueError, match=r"'a b c' is several words; split each story"):
            NGramModel(2).fit(["a b c", "d e"])
        with pytest.raises(TypeError, match="not one string"):
            NGramModel(2).fit(["a"]).next_words("a")

    @pytest.mark.parametrize("words", [["a", ["b"]], [["a"], "b"], [[1, 2]], [1]])
    def test_what_is_no_list_of_words(self, words):
        with pytest.raises(TypeError, match="word"):
            NGramModel(2).fit(words)

    @pytest.mark.parametrize("vocabulary", ["ab", [], [1, 2], ["a", None]])
    def test_what_is_no_vocabulary(self, vocabulary):
        with pytest.raises(TypeError, match="vocabulary must be words"):
            NGramModel(2).fit(["a"], vocabulary=vocabulary)

    def test_nothing_was_fitted(self):
        for use in (NGramModel(2).next_words, lambda: NGramModel(2).bits_per_word(["a"])):
            with pytest.raises(ValueError, match=r"call fit\(words\) first"):
                use()
