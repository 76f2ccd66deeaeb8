"""A program that was changed by hand is never overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from utils.course import cli
from utils.course.assembling.keeping import write_program


def test_what_was_changed_is_kept_beside(tmp_path: Path) -> None:
    path = tmp_path / "my_llm.py"
    assert write_program(path, "one = 1\n") is None
    assert write_program(path, "two = 2\n") is None  # nobody has touched it
    assert path.read_text(encoding="utf-8").startswith("two = 2\n\n# Written by")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert write_program(path, "two = 2\n") is None  # another system's line ends are no change
    names = ["my_llm_1.py", "my_llm_2.py"]
    for i, name in enumerate(names):
        path.write_text(path.read_text(encoding="utf-8") + f"mine = {i}\n", encoding="utf-8")
        assert write_program(path, "three = 3\n") == tmp_path / name
        assert f"mine = {i}" in (tmp_path / name).read_text(encoding="utf-8")
    path.write_bytes(b"\xff\xfe not ours")
    assert write_program(path, "four = 4\n") == tmp_path / "my_llm_3.py"


@pytest.mark.parametrize("name", ["chapters/00_start_here.ipynb", "my_llm", "folder.py"])
def test_only_a_python_file_is_written(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chapters").mkdir()
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "chapters/00_start_here.ipynb").write_text("mine", encoding="utf-8")
    result = CliRunner().invoke(cli.app, ["assemble", "--out", name])
    assert result.exit_code == 2
    assert f"--out is {name}" in result.output
    assert (tmp_path / "chapters/00_start_here.ipynb").read_text(encoding="utf-8") == "mine"
