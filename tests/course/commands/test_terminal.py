"""What the course says comes through every pipe, and what is piped in is read as UTF-8."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.alphabet_model import save_alphabet_model

from utils.course.commands import doctor, terminal

ENCODINGS = ["cp949", "cp1252", "cp437", "ascii", "latin-1", "utf-8"]
CLI = [sys.executable, "-m", "utils.course.cli"]


def through(encoding: str, text: str) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    terminal.survive(stream)
    stream.write(text)
    stream.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_signs_keep_their_meaning(encoding: str) -> None:
    findings = [doctor.Finding("a", status, "한글 é", "do") for status in doctor.SIGNS]
    lines = through(encoding, doctor.report(findings)).splitlines()
    firsts = [line[:4].strip() for line in lines if not line.startswith(" ")][:3]
    assert len(set(firsts)) == 3
    if encoding == "ascii":
        assert lines[0] == "[ok] a         ?? ?"
        assert lines[1].split() == ["->", "do"]


@pytest.mark.parametrize("encoding", ["cp949", "cp437", "ascii"])
def test_commands_survive(encoding: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    for words in (["train", "--help"], ["nothing ✅ 한"]):
        done = subprocess.run([*CLI, *words], capture_output=True, env=environment)
        # click writes UTF-8 where a pipe claims to be ASCII
        said = (done.stdout + done.stderr).decode("utf-8" if encoding == "ascii" else encoding)
        assert "Traceback" not in said
        assert "sage: course" in said


@pytest.mark.slow
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_what_is_piped_in_is_utf_8(tmp_path: Path, mark: bytes) -> None:
    model = save_alphabet_model(tmp_path)
    done = subprocess.run(
        [*CLI, "chat", "--model", str(model), "--temperature", "0"],
        input=mark + "한 w\n".encode() + b"\xff\xfe w\n",
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "cp949"},
    )
    assert done.stdout.decode("cp949").split() == ["xyz", "xyz"], done.stderr
