"""Lempel-Ziv and gzip as language models."""

import gzip
import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.llm.counting.lempel_ziv import (
    LZ78,
    bits_per_word,
    gzip_bits_per_word,
    lz78_bits_per_word,
    lz78_code_length,
    lz78_phrases,
)

texts = st.text(st.sampled_from("ab c가🙂"), max_size=40)


class SlowLZ:
    """The same model once more, with whole strings for nodes and nothing remembered."""

    def __init__(self, strength):
        self.strength, self.nodes, self.node = strength, {b""}, b""
        self.taken, self.end = {}, {b"": None}

    def known_end(self, node, byte):
        end = self.end[node]
        while end is not None:
            if end + bytes([byte]) in self.nodes:
                return end + bytes([byte])
            end = self.end[end]
        return b""

    def chance(self, byte, node):
        if node is None:
            return 1 / 256
        counts = [n for (start, _), n in self.taken.items() if start == node]
        below = self.chance(byte, self.end[node])
        here = self.taken.get((node, byte), 0)
        return (here + self.strength * below) / (sum(counts) + self.strength)

    def read(self, byte):
        self.taken[self.node, byte] = self.taken.get((self.node, byte), 0) + 1
        longer = self.node + bytes([byte])
        if longer in self.nodes:
            self.node = longer
        else:
            end = self.known_end(self.node, byte)
            self.nodes.add(longer)
            self.end[longer] = self.node = end


class TestPhrases:
    def test_the_example_of_a_regular_text(self):
        assert lz78_phrases("aaaaaaaaaa") == ["a", "aa", "aaa", "aaaa"]
        assert lz78_phrases("aaaa") == ["a", "aa", "a"]

    @given(texts)
    def test_phrases_join_to_the_text_and_each_extends_an_earlier_one(self, text):
        phrases = lz78_phrases(text)
        assert "".join(phrases) == text
        for i, phrase in enumerate(phrases):
            assert phrase[:-1] in {"", *phrases[:i]}
        assert len(set(phrases[:-1])) == len(phrases[:-1])


def code_of_1978(content):
    """The code once more, on a tree of numbered nodes: (phrase, byte) -> phrase."""
    tree, node, bits = {}, 0, 0.0
    for byte in content:
        if (node, byte) in tree:
            node = tree[node, byte]
        else:
            bits += math.log2(len(tree) + 1) + 8
            tree[node, byte] = len(tree) + 1
            node = 0
    return bits + (math.log2(len(tree) + 1) if node else 0)


class TestCodeOf1978:
    @given(texts)
    def test_agrees_with_a_tree_of_nodes(self, text):
        assert lz78_code_length(text) == pytest.approx(code_of_1978(text.encode()))

    def test_an_old_phrase_at_the_end_needs_no_byte(self):
        assert lz78_code_length("") == 0
        assert lz78_code_length("a") == 8
        assert lz78_code_length("aa") == 8 + 1

    def test_bits_per_word_are_what_the_text_adds(self):
        added = code_of_1978(b"a kite a blue kite") - code_of_1978(b"a kite ")
        assert lz78_bits_per_word("a kite ", "a blue kite") == pytest.approx(added / 3)

    def test_its_tree_predicts_better_than_it_codes(self):
        story = "Mina had a blue kite . The wind took the kite away .\n"
        assert bits_per_word(story * 30, story) < lz78_bits_per_word(story * 30, story) / 3


class TestModel:
    @settings(deadline=None)
    @given(texts, texts, st.sampled_from([0.5, 2.0]))
    def test_agrees_with_the_slow_model(self, train, text, strength):
        slow = SlowLZ(strength)
        for byte in train.encode():
            slow.read(byte)
        model = LZ78(strength).learn(train)
        bits = 0.0
        chances = model.next_symbol()
        for byte in b"a \xea":
            assert chances[byte] == pytest.approx(slow.chance(byte, slow.node))
        for byte in text.encode():
            bits -= math.log2(slow.chance(byte, slow.node))
            slow.read(byte)
        assert model.code_length(text) == pytest.approx(bits)

    @given(texts, texts)
    def test_chances_sum_to_one_and_none_is_zero(self, train, context):
        for chances in (LZ78().learn(train).next_symbol(), LZ78().next_symbol(context)):
            assert math.fsum(chances) == pytest.approx(1, abs=1e-12)
            assert len(chances) == 256
            assert min(chances) > 0

    def test_an_empty_model_spends_eight_bits_on_its_first_byte(self):
        assert LZ78().code_length("x") == pytest.approx(8)
        assert LZ78().code_length("") == 0

    def test_the_code_satisfies_kraft(self):
        model = LZ78().learn("abcab")
        lengths = [model.code_length(chr(i)) for i in range(128)]
        assert sum(2**-n for n in lengths) < 1
        shares = model.next_symbol()
        assert lengths[97] == pytest.approx(-math.log2(shares[97]))

    def test_coding_leaves_the_model_as_it_was(self):
        model = LZ78().learn("abcabcabc")
        before = model.next_symbol(), model.n_phrases
        first = model.code_length("abcxyz" * 5)
        assert (model.next_symbol(), model.n_phrases) == before
        assert model.code_length("abcxyz" * 5) == first

    def test_learning_in_two_pieces_is_learning_at_once(self):
        pieces = LZ78().learn("the cat sat ").learn("on the mat")
        assert pieces.next_symbol() == LZ78().learn("the cat sat on the mat").next_symbol()

    def test_learning_and_coding_split_the_bits_of_the_whole(self):
        whole = LZ78().code_length("the cat sat on the mat")
        rest = LZ78().learn("the cat sat ").code_length("on the mat")
        assert LZ78().code_length("the cat sat ") + rest == pytest.approx(whole)

    def test_it_reaches_the_entropy_of_a_coin(self):
        draw = random.Random(0)
        toss = "".join(draw.choices("ab", [0.9, 0.1], k=30_000))
        bits = LZ78().learn(toss[:20_000]).code_length(toss[20_000:]) / 10_000
        assert 0.469 < bits < 0.6  # the entropy is 0.469; contexts that mean nothing cost the rest

    def test_context_matters(self):
        model = LZ78().learn("queen quick quiet equal " * 10)
        assert model.next_symbol("the q")[ord("u")] > 0.8
        assert model.next_symbol("u")[ord("u")] < 0.1

    def test_writing(self):
        model = LZ78(0.01).learn("abcdef" * 500)
        written = model.write(300, "ab")
        follows = [first + second in "abcdefa" for first, second in pairwise("b" + written)]
        assert sum(follows) > 290
        assert model.write(50, seed=3) == model.write(50, seed=3)
        assert model.write(0) == ""

    @pytest.mark.parametrize("strength", [0, -1.0, math.nan, math.inf])
    def test_strength_must_be_positive(self, strength):
        with pytest.raises(ValueError, match=r"strength is .* above 0"):
            LZ78(strength)

    def test_bytes_are_no_text(self):
        with pytest.raises(TypeError, match="must be a str, not bytes"):
            LZ78().learn(b"abc")


class TestBitsPerWord:
    STORY = "Mina had a blue kite . The wind took the kite away .\n"

    def test_repeated_text_costs_little(self):
        assert bits_per_word(self.STORY * 30, self.STORY) < 1
        assert bits_per_word("", self.STORY) > 20

    def test_it_is_the_code_length_divided_by_the_words(self):
        model = LZ78(3.0).learn(self.STORY)
        assert bits_per_word(self.STORY, "a blue wind", 3.0) == model.code_length("a blue wind") / 3

    def test_gzip_is_the_difference_of_two_sizes(self):
        sizes = [len(gzip.compress((self.STORY + more).encode(), 9)) for more in ("", "a kite")]
        expected = 8 * (sizes[1] - sizes[0]) / 2
        assert gzip_bits_per_word(self.STORY, "a kite") == pytest.approx(expected, abs=8)

    def test_gzip_knows_what_it_has_read(self):
        draw = random.Random(1)
        text = " ".join("".join(draw.choices("abcdefgh", k=5)) for _ in range(200))
        assert gzip_bits_per_word(text, text) < gzip_bits_per_word("", text) / 5

    def test_gzip_forgets_what_is_32_kb_back(self):
        draw = random.Random(1)
        text = " ".join("".join(draw.choices("abcdefgh", k=5)) for _ in range(200))
        far = text + " ".join("".join(draw.choices("ijklmnop", k=5)) for _ in range(7_000))
        assert gzip_bits_per_word(far, text) > 2 * gzip_bits_per_word(text, text)

    @pytest.mark.parametrize("text", ["", " \n "])
    @pytest.mark.parametrize("measure", [bits_per_word, lz78_bits_per_word, gzip_bits_per_word])
    def test_a_text_without_words(self, measure, text):
        with pytest.raises(ValueError, match="holds no word"):
            measure("some words", text)
