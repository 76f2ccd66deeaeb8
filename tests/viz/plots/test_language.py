"""The figures and interactive pieces of chapter 02."""

import pytest
import tiktoken

from utils.llm.counting.ngram import NGramModel
from utils.llm.tokenizer.bpe import train_bpe
from utils.viz import plots, widgets
from utils.viz.widgets.tokens import stages, written

TEXT = "low lower lowest, 한 글 한 글 😀😀 low"
ENCODING = train_bpe(TEXT, 275)


def test_utf8_bits_are_those_of_the_encoder():
    twin = plots.utf8_bits({"han": "한"}).twin
    bits = "".join(letter for letter in twin.splitlines()[-1].split(": ")[1] if letter in "01")
    assert bits == "".join(f"{byte:08b}" for byte in "한".encode())


@pytest.mark.parametrize("text", ["", "low", "lowest low 한글😀", "  two  spaces ", "zzz"])
def test_the_last_stage_is_the_encoding_and_every_stage_is_the_text(text):
    found = stages(ENCODING, text)
    tokens = ENCODING.decode_tokens_bytes(ENCODING.encode(text))
    assert found[-1].tokens == tuple(tokens)
    assert all(b"".join(stage.tokens) == text.encode() for stage in found)
    lengths = [len(stage.tokens) for stage in found]
    assert lengths == sorted(set(lengths), reverse=True)
    assert all(stage.merged in stage.tokens for stage in found[1:])


def test_merges_happen_in_the_order_learned():
    ranks = [ENCODING._mergeable_ranks[stage.merged] for stage in stages(ENCODING, TEXT)[1:]]
    assert ranks == sorted(ranks)


def test_a_token_is_shown_readably():
    assert written(b" low") == "␣low"
    assert written("한".encode()) == "한"
    assert written("한".encode()[1:]) == "95·9C"
    assert written(b"\x00") == "00"


def test_the_playground_follows_its_controls():
    playground = widgets.TokenPlayground({"small": ENCODING, "bytes": train_bpe("", 257)}, "low")
    assert playground.step.value == playground.step.max == 2
    assert "3 bytes, 1 token," in repr(playground)
    playground.step.value = 0
    assert "Before any merge: 3 bytes, 3 tokens" in playground.shown.value
    playground.chosen.value = "bytes"
    assert playground.step.max == 0
    playground.text.value = "a" * 900
    assert "only its first 400 characters" in playground.shown.value
    playground.text.value = "<b>\ud800"
    assert "<b>" not in playground.shown.value
    playground.text.value = ""
    assert "0 bytes" in repr(playground)
    assert {"text/html", "text/plain"} < set(playground._repr_mimebundle_())


def test_a_real_tokenizer_is_offered_where_it_is_and_opened_when_it_is_chosen(monkeypatch):
    opened = []
    real = {"real": lambda: opened.append("real") or train_bpe("한국 한국", 259)}
    monkeypatch.setattr("utils.viz.widgets.tokens.kept_encodings", lambda: real)
    monkeypatch.setattr("utils.viz.widgets.tokens.gpt2_is_kept", lambda: False)
    playground = widgets.TokenPlayground({"small": ENCODING}, "한국", real=True)
    assert list(playground.chosen.options) == ["small", "real"]
    assert not opened
    before = playground.shown.value
    playground.chosen.value = "real"
    playground.text.value = "한국 한"
    assert opened == ["real"]
    assert playground.shown.value != before
    assert "course fetch" not in playground.note.value


def test_gpt2s_own_is_offered_where_it_needs_no_network(monkeypatch):
    here = {"kept_encodings": dict, "gpt2_is_kept": lambda: True, "gpt2_encoding": lambda: ENCODING}
    for name, now in here.items():
        monkeypatch.setattr(f"utils.viz.widgets.tokens.{name}", now)
    playground = widgets.TokenPlayground({"bytes": train_bpe("", 257)}, "low", real=True)
    assert list(playground.chosen.options) == ["bytes", "GPT-2"]
    playground.chosen.value = "GPT-2"
    assert playground.encoding is ENCODING
    assert "gpt2_encoding" not in playground.note.value
    assert "course fetch smollm2" in playground.note.value


def test_without_one_a_line_says_how_it_is_fetched(monkeypatch):
    monkeypatch.setattr("utils.viz.widgets.tokens.kept_encodings", dict)
    monkeypatch.setattr("utils.viz.widgets.tokens.gpt2_is_kept", lambda: False)
    playground = widgets.TokenPlayground({"small": ENCODING}, "low", real=True)
    assert "course fetch smollm2" in playground.note.value
    assert "gpt2_encoding()" in playground.note.value
    assert "course fetch" not in playground._repr_mimebundle_()["text/html"]
    assert not widgets.TokenPlayground({"small": ENCODING}, "low").note.value


def test_a_text_is_cut_as_the_tokenizer_cuts_it():
    digits = train_bpe("12 12", 258)
    alone = tiktoken.Encoding(
        "alone", pat_str=r"\p{N}|\D+", mergeable_ranks=digits._mergeable_ranks, special_tokens={}
    )
    assert stages(digits, "12")[-1].tokens == (b"12",)
    assert stages(alone, "12")[-1].tokens == (b"1", b"2")


def test_the_pies_show_what_the_model_believes():
    words = "a cat saw a dog".split()
    models = {n: NGramModel(n).fit(words) for n in (1, 2)}
    pies = widgets.pies_of_a_story(words, lambda prefix: {"cat": 0.5, "dog": 0.5}, models, 1, 2)
    assert "[a] cat: true chance 0.50" in pies.picture.finding
    pies.controls["order"].value = 1
    assert "the 1-gram believes" in pies.picture.twin


def test_no_predictor_may_be_drawn_below_the_floor():
    drawn = plots.bits_per_word({1: 3.0, 2: 1.2}, {"gzip": 2.0}, floor=0.6)
    assert drawn.finding.startswith("The best n-gram has order 2 and needs 1.20 bits")
    assert "2.0 times" in drawn.finding
    with pytest.raises(ValueError, match="below the floor"):
        plots.bits_per_word({1: 0.5}, {}, floor=0.6)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.utf8_bits({"two": "ab"}),
        lambda: plots.bytes_per_token({"a": {"English": 1.0}, "b": {"Korean": 1.0}}, "x"),
        lambda: plots.word_bits(["a", "b"], {"truth": [1.0]}, "x"),
        lambda: plots.contexts([1, 2], [1], [0.0]),
        lambda: plots.window_examples(["alone"]),
        lambda: widgets.TokenPlayground({}, "low"),
    ],
)
def test_what_cannot_be_drawn_is_said(draw):
    with pytest.raises(ValueError, match="give"):
        draw()
