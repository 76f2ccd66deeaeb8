"""The tokenizer against the slow and obvious algorithm, written here a second time."""

import json
import random
from collections import Counter
from itertools import pairwise

import pytest
import regex
import tiktoken
from hypothesis import example, given, settings
from hypothesis import strategies as st

from utils.llm.tokenizer.bpe import (
    GPT2_PATTERN,
    bpe_step,
    count_pairs,
    explain_encoding,
    merge_pair,
    merges,
    split_text,
    train_bpe,
)
from utils.llm.tokenizer.files import load_encoding, save_encoding

SENTENCES = (
    "The cat sat on the mat, and the cat's hat sat there too. It'll rain; they've 1000 umbrellas!\n"
    "  Indented    lines   \n\n\tand tabs\t\t------ ======  ------------\n"
    "안녕하세요, 세계! 고양이가 매트 위에 앉았다. 🙂🙂🙂 naïve café — “quotes” 𝒳 ²½\n"
    "aaaa aaa aaaaaaa abababab bbbbb abba\n"
)


def textbook_matches(chunk, pair):
    """The places where `pair` would be merged in `chunk`, found from the left."""
    found, i = [], 0
    while i < len(chunk) - 1:
        if (chunk[i], chunk[i + 1]) == pair:
            found.append(i)
            i += 2
        else:
            i += 1
    return found


def textbook_apply(chunk, pair):
    places = set(textbook_matches(chunk, pair))
    skip = {i + 1 for i in places}
    joined = pair[0] + pair[1]
    return [joined if i in places else t for i, t in enumerate(chunk) if i not in skip]


def textbook_train(text, n_merges):
    """Recount everything before each merge: tokens are byte strings, ties go by their ids."""
    chunks = [[bytes([b]) for b in c.encode()] for c in regex.findall(GPT2_PATTERN, text)]
    ids = {bytes([b]): b for b in range(256)}
    learned = []
    for _ in range(n_merges):
        pairs = {p for c in chunks for p in pairwise(c)}
        counts = {p: sum(len(textbook_matches(c, p)) for c in chunks) for p in pairs}
        if not counts:
            break
        best = max(counts, key=lambda p: (counts[p], -ids[p[0]], -ids[p[1]]))
        ids[best[0] + best[1]] = 256 + len(learned)
        learned.append(best)
        chunks = [textbook_apply(c, best) for c in chunks]
    return learned


def textbook_encode(encoding, text):
    """Apply every merge in turn to every chunk."""
    ids, out = {token: rank for rank, token in enumerate(tokens_of(encoding))}, []
    for chunk in split_text(text):
        parts = [bytes([b]) for b in chunk.encode()]
        for pair, _ in merges(encoding):
            parts = textbook_apply(parts, pair)
        out += [ids[part] for part in parts]
    return out


def tokens_of(encoding):
    return [encoding.decode_single_token_bytes(i) for i in range(encoding.n_vocab)]


def learned_pairs(encoding):
    return [pair for pair, _ in merges(encoding)]


@pytest.fixture(scope="module")
def encoding():
    return train_bpe(SENTENCES * 2, 400)


any_text = st.text(st.characters(exclude_categories=["Cs"]))
few_letters = st.text("aab \n-é", max_size=60)


class TestSmallParts:
    def test_pairs_are_counted(self):
        assert count_pairs([1, 2, 3, 1, 2]) == {(1, 2): 2, (2, 3): 1, (3, 1): 1}

    @pytest.mark.parametrize("n", range(9))
    def test_a_run_counts_the_merges_that_can_happen(self, n):
        assert count_pairs([5] * n)[5, 5] == n // 2

    @pytest.mark.parametrize("ids", [[], [1]])
    def test_no_pairs_in_less_than_two_ids(self, ids):
        assert count_pairs(ids) == Counter()

    @given(st.lists(st.integers(0, 2), max_size=30))
    def test_a_count_says_how_much_shorter_a_merge_makes_the_ids(self, ids):
        for pair, count in count_pairs(ids).items():
            assert len(ids) - len(merge_pair(ids, pair, 9)) == count

    @given(st.lists(st.integers(0, 2), max_size=30), st.integers(0, 2), st.integers(0, 2))
    def test_merging_equals_replacing_in_a_string(self, ids, first, second):
        letters = "".join(map(str, ids)).replace(f"{first}{second}", "9")
        assert merge_pair(ids, (first, second), 9) == [int(letter) for letter in letters]

    def test_a_step_takes_the_most_frequent_pair_and_then_the_smallest(self):
        assert bpe_step([2, 3, 9, 2, 3, 0, 1], 256) == ((2, 3), [256, 9, 256, 0, 1])
        assert bpe_step([2, 3, 1, 9], 256) == ((1, 9), [2, 3, 256])

    def test_a_step_needs_two_ids(self):
        with pytest.raises(ValueError, match=r"1 id.*at least two"):
            bpe_step([7], 256)

    def test_steps_are_the_trainer_on_a_single_chunk(self):
        word = "abracadabraabracadabra"
        ids, learned = list(word.encode()), []
        while len(ids) > 1:
            pair, ids = bpe_step(ids, 256 + len(learned))
            learned.append(pair)
        tokens = tokens_of(train_bpe(word, 256 + len(learned), ()))
        assert [tokens[a] + tokens[b] for a, b in learned] == tokens[256:]


class TestTrainer:
    @pytest.mark.parametrize("text", [SENTENCES, SENTENCES * 3, "ab" * 50, "a" * 37, "x aa aaa"])
    def test_learns_what_the_textbook_learns(self, text):
        assert learned_pairs(train_bpe(text, 337)) == textbook_train(text, 80)

    @settings(max_examples=200, deadline=None)
    @given(few_letters)
    def test_learns_what_the_textbook_learns_of_any_text(self, text):
        assert learned_pairs(train_bpe(text, 290, ())) == textbook_train(text, 34)

    def test_bytes_come_first_then_merges_then_special_tokens(self, encoding):
        assert isinstance(encoding, tiktoken.Encoding)
        assert tokens_of(encoding)[:256] == [bytes([b]) for b in range(256)]
        assert all(len(token) > 1 for token in tokens_of(encoding)[256:])
        assert encoding.n_vocab == 400
        assert encoding.eot_token == 399

    def test_special_tokens_follow_in_their_order(self):
        encoding = train_bpe("aab", 260, ["<b>", "<a>"])
        assert encoding.encode("<a>x<b>", allowed_special="all") == [259, 120, 258]

    def test_no_room_for_merges_and_no_special_tokens(self):
        assert train_bpe("abab", 257).n_vocab == 257
        assert train_bpe("ab ab", 258, ()).n_vocab == 258

    def test_nothing_is_learned_from_special_tokens_in_the_text(self):
        alone = train_bpe("low lower", 262, ["<|end|>"])
        several = train_bpe("low lower<|end|>" * 3, 262, ["<|end|>"])
        assert tokens_of(several) == tokens_of(alone)

    def test_a_special_token_that_begins_another_does_not_hide_it(self):
        encoding = train_bpe("<a><a>bb" * 9, 300, ["<a>", "<a><a>bb"])
        assert learned_pairs(encoding) == []

    def test_empty_text_gives_the_bytes(self):
        encoding = train_bpe("", 1024)
        assert encoding.n_vocab == 257
        assert encoding.encode("é") == [0xC3, 0xA9]

    def test_a_short_text_gives_fewer_tokens(self):
        encoding = train_bpe("hello", 1024)
        assert encoding.n_vocab == 256 + 4 + 1
        assert encoding.encode("<|endoftext|>", allowed_special="all") == [260]

    def test_one_repeated_letter(self):
        tokens = tokens_of(train_bpe("a" * 11, 1024, ()))
        assert tokens[256:] == [b"a" * n for n in (2, 4, 3, 8, 11)]

    @pytest.mark.parametrize("size", [-1, 0, 255, 256])
    def test_too_small_a_vocabulary(self, size):
        with pytest.raises(ValueError, match=f"vocab_size is {size}, .*give 257 or more"):
            train_bpe("abc", size)

    @pytest.mark.parametrize("size", [300.0, "300", None, True])
    def test_the_size_must_be_a_whole_number(self, size):
        with pytest.raises(TypeError, match="vocab_size must be an int"):
            train_bpe("abc", size)

    @pytest.mark.parametrize("text", [b"abc", None, ["abc"]])
    def test_the_text_must_be_a_string(self, text):
        with pytest.raises(TypeError, match="text must be a str, not"):
            train_bpe(text, 300)

    @pytest.mark.parametrize("text", ["ab\ud800c", "\udfff", "\ud83d\ude00"])
    def test_surrogates_are_named_with_their_place(self, text):
        place = regex.search(r"[\ud800-\udfff]", text).start()
        with pytest.raises(ValueError, match=f"Character {place} of the text is the lone surr"):
            train_bpe(text, 300)

    @pytest.mark.parametrize(
        ("specials", "kind", "says"),
        [
            (["<a>", "<a>"], ValueError, "'<a>' is given twice"),
            ([""], ValueError, "empty"),
            ([b"<a>"], TypeError, "must be a str"),
            ("<a>", TypeError, r"give a tuple: \('<a>',\)"),
        ],
    )
    def test_special_tokens_that_cannot_be(self, specials, kind, says):
        with pytest.raises(kind, match=says):
            train_bpe("abc", 300, specials)


class TestEncoding:
    @settings(deadline=None)
    @given(any_text)
    @example("\x1c\x1d\x85\u2028 \u3000\xa0 a")
    def test_decoding_gives_the_text_back(self, encoding, text):
        assert encoding.decode(encoding.encode(text, disallowed_special=())) == text

    @settings(deadline=None, max_examples=60)
    @given(any_text | few_letters)
    @example(SENTENCES)
    @example("\x1c\x1d\x85 a \x1c\u2028 \u3000\xa0 a")
    def test_encoding_equals_merge_by_merge(self, encoding, text):
        assert encoding.encode_ordinary(text) == textbook_encode(encoding, text)

    @settings(deadline=None, max_examples=60)
    @given(few_letters, few_letters)
    def test_any_encoding_equals_merge_by_merge(self, text, other):
        encoding = train_bpe(text, 300, ())
        assert encoding.encode_ordinary(other) == textbook_encode(encoding, other)

    def test_lone_surrogates_are_replaced_by_tiktoken(self, encoding):
        assert encoding.decode(encoding.encode("a\ud800b")) == "a\ufffdb"

    @settings(deadline=None)
    @given(any_text)
    def test_chunks_join_to_the_text(self, text):
        assert "".join(split_text(text)) == text

    def test_the_split_is_that_of_gpt2(self):
        original = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
        assert split_text(SENTENCES) == regex.findall(original, SENTENCES)

    def test_long_white_space_is_no_trouble(self, encoding):
        text = "a" + " " * 300_000 + "b"
        assert encoding.decode(encoding.encode(text)) == text


class TestLookingInside:
    def test_every_token_is_made_of_earlier_ones(self, encoding):
        known = {bytes([b]) for b in range(256)}
        for rank, ((left, right), joined) in enumerate(merges(encoding), start=256):
            assert {left, right} <= known
            assert left + right == joined == encoding.decode_single_token_bytes(rank)
            known.add(joined)

    def test_merges_of_a_vocabulary_that_is_no_bpe(self):
        ranks = {bytes([b]): b for b in range(256)} | {b"abc": 256}
        foreign = tiktoken.Encoding("x", pat_str=".", mergeable_ranks=ranks, special_tokens={})
        with pytest.raises(ValueError, match=r"Token 256 .* not made of two earlier tokens"):
            merges(foreign)

    @pytest.mark.parametrize("chunk", [" cat", "aaaaaaa", "abababab", "고양이가", "x", ""])
    def test_stages_lead_from_bytes_to_tokens(self, encoding, chunk):
        stages = explain_encoding(encoding, chunk)
        assert stages[0] == [bytes([b]) for b in chunk.encode()]
        assert stages[-1] == encoding.decode_tokens_bytes(encoding.encode(chunk))
        pairs = learned_pairs(encoding)
        order = []
        for before, after in pairwise(stages):
            made = [p for p in pairs if textbook_apply(before, p) == after != before]
            order.append(pairs.index(made[0]))
        assert order == sorted(order)

    def test_only_one_chunk_can_be_explained(self, encoding):
        with pytest.raises(ValueError, match=r"2 chunks, \['two', ' words'\]"):
            explain_encoding(encoding, "two words")


class TestFiles:
    def test_a_saved_encoding_comes_back(self, encoding, tmp_path):
        path = tmp_path / "a tokenizer.json"
        save_encoding(encoding, path)
        loaded = load_encoding(str(path))
        assert loaded.name == encoding.name
        assert tokens_of(loaded) == tokens_of(encoding)
        assert loaded.encode(SENTENCES) == encoding.encode(SENTENCES)
        assert loaded.encode("<|endoftext|>", allowed_special="all") == [399]
        assert [file.name for file in tmp_path.iterdir()] == ["a tokenizer.json"]

    def test_the_file_is_the_same_each_time(self, encoding, tmp_path):
        save_encoding(encoding, tmp_path / "one")
        save_encoding(load_encoding(tmp_path / "one"), tmp_path / "two")
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()

    def test_a_failure_leaves_the_old_file_whole(self, encoding, tmp_path, monkeypatch):
        path = tmp_path / "t.json"
        save_encoding(encoding, path)
        before = path.read_bytes()

        def fail(number):
            raise OSError("disk full")

        monkeypatch.setattr("utils.llm.machine.files.os.fsync", fail)
        with pytest.raises(OSError, match="disk full"):
            save_encoding(encoding, path)
        assert path.read_bytes() == before
        assert [file.name for file in tmp_path.iterdir()] == ["t.json"]

    def test_a_cut_file_is_never_taken(self, tmp_path):
        path = tmp_path / "t.json"
        save_encoding(train_bpe("ab ab", 259), path)
        whole = path.read_bytes()
        for size in random.Random(0).sample(range(len(whole) - 2), 60):
            path.write_bytes(whole[:size])
            with pytest.raises(ValueError, match=r"t\.json is not an encoding .* choose another"):
                load_encoding(path)

    @pytest.mark.parametrize(
        "content", [b"", b"\xff\xfe\x00", b"[]", b"null", b"{}", b'{"format": 3}', b"[" * 100_000]
    )
    def test_foreign_files(self, content, tmp_path):
        path = tmp_path / "t.json"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"t\.json is not an encoding"):
            load_encoding(path)

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("format", "other"),
            ("name", None),
            ("pattern", "("),
            ("pattern", 3),
            ("tokens", {}),
            ("tokens", {"AA==": 0}),
            ("special_tokens", []),
            ("special_tokens", {"<a>": 0}),
            ("special_tokens", {"<a>": "300"}),
            ("special_tokens", {"<a>": -1}),
            ("special_tokens", {"<a>": 2**40}),
            ("special_tokens", {"": 300}),
        ],
    )
    def test_damaged_values(self, key, value, tmp_path):
        path = tmp_path / "t.json"
        save_encoding(train_bpe("ab ab", 259), path)
        content = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(content | {key: value}), encoding="utf-8")
        with pytest.raises(ValueError, match=r"t\.json is not an encoding"):
            load_encoding(path)

    @pytest.mark.parametrize("token", ["?", "AA", "é"])
    def test_damaged_tokens(self, token, tmp_path):
        path = tmp_path / "t.json"
        save_encoding(train_bpe("ab ab", 259), path)
        content = json.loads(path.read_text(encoding="utf-8"))
        content["tokens"][token] = 300
        path.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(ValueError, match=r"t\.json is not an encoding"):
            load_encoding(path)

    def test_a_missing_file_says_so(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            load_encoding(tmp_path / "none.json")
