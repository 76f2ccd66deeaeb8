"""A tokenizer from a folder of Hugging Face's cuts every text as Hugging Face does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from utils.llm.tokenizer.hf import encoding_from_hf

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
