"""A tokenizer from a folder of Hugging Face's cuts every text as Hugging Face does."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from utils.llm.tokenizer.hf import encoding_from_hf, marks_from_hf, words_from_hf

TEXT = "Mina had a blue kite, and the kite's tail was 12 feet long.\n\n 안녕 é  the end\n" * 9
END = "<|endoftext|>"


def trained() -> Tokenizer:
    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=330, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    theirs.train_from_iterator([TEXT], trainer)
    return theirs


THEIRS = trained()


@pytest.fixture(scope="module", params=["tokenizer.json", "vocab.json"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hf")
    if request.param == "tokenizer.json":
        THEIRS.save(str(path / "tokenizer.json"))
    else:
        THEIRS.model.save(str(path))
    return path


def test_the_same_ids_as_theirs(folder: Path) -> None:
    ours = encoding_from_hf(folder)
    assert ours.n_vocab == THEIRS.get_vocab_size() > 300
    assert ours.eot_token == THEIRS.token_to_id(END)

    @given(st.text() | st.text("Minakte' \n12.é안"))
    def same(text: str) -> None:
        ids = ours.encode_ordinary(text)
        assert ids == THEIRS.encode(text).ids
        assert ours.decode(ids) == text

    same()
    assert len(ours.encode_ordinary(TEXT)) < len(TEXT) / 2


def changed(tmp_path: Path, change: object) -> Path:
    content = json.loads(THEIRS.to_str())
    change(content)
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["model"].update(type="Unigram"), "it is Unigram"),
        (lambda c: c["pre_tokenizer"].update(type="Whitespace"), "is not byte-level"),
        (lambda c: c["pre_tokenizer"].update(add_prefix_space=True), "a space before every text"),
        (lambda c: c["model"]["merges"].reverse(), "not numbered in the order"),
        (lambda c: c.pop("model"), "can't be read"),
        (lambda c: c["model"]["merges"].append(["no", "such"]), "can't be read"),
    ],
)
def test_another_kind_is_refused(tmp_path: Path, change: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        encoding_from_hf(changed(tmp_path, change))


def test_a_folder_without_any_says_what_to_copy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"neither tokenizer\.json, nor vocab\.json"):
        encoding_from_hf(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="can't be read"):
        encoding_from_hf(tmp_path)


NUMBERS = [-1, 1 << 40, 10**30, 1.5, True, "7", None, [1], {}]


@pytest.mark.parametrize("number", NUMBERS, ids=str)
def test_tokens_have_whole_numbers(tmp_path: Path, number: object) -> None:
    def change(content: dict) -> None:
        content["model"]["vocab"]["a"] = number

    with pytest.raises(ValueError, match="not of GPT-2's kind, or can't be read"):
        encoding_from_hf(altered(tmp_path, change))


def altered(tmp_path: Path, change: Callable[[dict], None], **beside: object) -> Path:
    content = json.loads(THEIRS.to_str())
    change(content)
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    for name, told in beside.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")
    return tmp_path


STRANGE = [None, [], 3, "x", {"type": None}, {"type": "Sequence", "processors": 3}, [[[]]], True]
PLACES = ["model", "pre_tokenizer", "added_tokens", "post_processor", "normalizer"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", STRANGE, ids=str)
def test_strange_parts_are_refused_or_read(tmp_path: Path, place: str, value: object) -> None:
    folder = altered(tmp_path, lambda content: content.update({place: value}))
    for read in (encoding_from_hf, marks_from_hf, words_from_hf):
        with contextlib.suppress(ValueError):
            read(folder)


@pytest.mark.parametrize("name", ["tokenizer_config", "generation_config", "config"])
@pytest.mark.parametrize("value", STRANGE, ids=str)
def test_strange_marks_are_refused_or_read(tmp_path: Path, name: str, value: object) -> None:
    keys = ("bos_token", "eos_token", "eos_token_id", "chat_template", "add_bos_token")
    for told in (value, *({key: value} for key in keys)):
        folder = altered(tmp_path, lambda content: None, **{name: told})
        with contextlib.suppress(ValueError):
            marks_from_hf(folder)


def test_a_mark_before_every_text_is_understood_or_refused(tmp_path: Path) -> None:
    mark = {"SpecialToken": {"id": END, "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}

    def adding(*pieces: object) -> Callable[[dict], None]:
        template = {"type": "TemplateProcessing", "single": list(pieces)}
        return lambda content: content.update(post_processor=template)

    found = marks_from_hf(altered(tmp_path, adding(mark, text)))
    assert (found.bos, found.begins) == (END, True)
    assert not marks_from_hf(altered(tmp_path, adding(text))).begins
    for pieces in ([text, mark], [mark, mark, text], []):
        with pytest.raises(ValueError, match="of its marks can't be understood"):
            marks_from_hf(altered(tmp_path, adding(*pieces)))
    with pytest.raises(
        ValueError, match="puts '<|endoftext|>' before every text".replace("|", r"\|")
    ):
        marks_from_hf(altered(tmp_path, adding(mark, text), tokenizer_config={"bos_token": "<s>"}))


def test_a_byte_order_mark_is_no_letter(tmp_path: Path) -> None:
    THEIRS.model.save(str(tmp_path))
    right = encoding_from_hf(tmp_path).encode_ordinary(TEXT)
    for path in tmp_path.iterdir():
        path.write_text("\ufeff" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert encoding_from_hf(tmp_path).encode_ordinary(TEXT) == right
