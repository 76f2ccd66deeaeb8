"""`course export` writes what was asked for, replaces nothing foreign, and says one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from utils.course import cli
from utils.llm.gpt.gguf import open_gguf
from utils.llm.gpt.hf import WRITTEN

runner = CliRunner()


def said(*words: object) -> tuple[int, str]:
    result = runner.invoke(cli.app, ["export", *map(str, words)])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def test_both_kinds_at_once_and_again_only_by_force(tmp_path: Path) -> None:
    file, folder = tmp_path / "a.gguf", tmp_path / "hf"
    words = ["python-docs", "--gguf", file, "--hf", folder]
    status, output = said(*words, "--kind", "q8_0")
    assert (status, output.count("for llama.cpp"), output.count("for transformers")) == (0, 1, 1)
    assert {path.name for path in folder.iterdir()} == set(WRITTEN)
    assert open_gguf(file).config.vocab_size == 1024
    before = file.read_bytes()
    status, output = said(*words)
    assert (status, output.count("\n")) == (2, 1)
    assert "--force replaces it" in output
    assert file.read_bytes() == before
    assert said(*words, "--force")[0] == 0
    assert file.stat().st_size > len(before)  # float16 again


@pytest.mark.parametrize("option", ["--gguf", "--hf"])
def test_what_is_foreign_is_never_replaced(option: str, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    for target in (tmp_path / "thesis.txt", tmp_path):
        status, output = said("python-docs", option, target, "--force")
        assert (status, output.count("\n")) == (2, 1)
        assert "is no export of this kind" in output
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["python-docs"], "say where to: --gguf FILE, --hf FOLDER"),
        (["stories", "--hf", "out"], "positions='rotary'"),
        (["python-docs", "--gguf", "out", "--kind", "Q2_K"], "give one of F32, F16, Q8_0"),
        (["python-docs", "--gguf", "no/such/folder/a.gguf"], "No such file or directory"),
        (["no/such/folder/at/all", "--gguf", "out"], "There is no folder"),
        (["sums-direct", "--gguf", "out"], "put its tokenizer.json beside the weights"),
    ],
    ids=str,
)
def test_what_goes_wrong_is_one_line(
    words: list[str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, output = said(*words)
    assert (status, output.count("\n")) == (2, 1)
    assert output.startswith("course: ")
    assert line in output
    assert list(tmp_path.iterdir()) == []


def test_a_cut_or_foreign_model_is_one_line(tmp_path: Path) -> None:
    assert said("python-docs", "--gguf", tmp_path / "a.gguf")[0] == 0
    whole = (tmp_path / "a.gguf").read_bytes()
    for content in (whole[: len(whole) // 2], whole[:100], b"GGUF", b"", b"PK\x03\x04" * 99):
        (tmp_path / "cut.gguf").write_bytes(content)
        status, output = said(tmp_path / "cut.gguf", "--hf", tmp_path / "hf")
        assert (status, output.count("\n")) == (2, 1), output
        assert "is no GGUF file that can be opened here" in output
