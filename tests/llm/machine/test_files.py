"""A written file is whole, in its place, with its mode; or what stood there still does."""

from __future__ import annotations

import errno
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from utils.llm.gpt import checkpoints
from utils.llm.machine import files
from utils.llm.machine.files import replacing, replacing_path

POSIX = pytest.mark.skipif(os.name != "posix", reason="modes, links and pipes of POSIX")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, data: bytes = b"new") -> None:
    with replacing(path) as file:
        file.write(data)


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write(path, b"old")

    def pieces() -> Iterator[bytes]:
        yield b"half of it"
        raise KeyError

    with pytest.raises(KeyError), replacing(path) as file:
        file.writelines(pieces())
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.json"]


@POSIX
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_that_the_umask_gives(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "ours")
        checkpoints.write_tensors(tmp_path / "weights", {"w": torch.ones(2)}, {})
        (tmp_path / "plain").write_bytes(b"")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(["ours", "weights", "plain"], 0o666 & ~umask)


@POSIX
def test_the_mode_of_the_file_before_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write(path)
    path.chmod(0o640)
    write(path, b"again")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@POSIX
def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link, target = tmp_path / "link", tmp_path / "there" / "file"
    link.symlink_to(target)
    for data in (b"first", b"second"):  # to nothing yet, then to a file
        write(link, data)
        assert link.is_symlink()
        assert target.read_bytes() == data


@POSIX
def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    pipe, loop = tmp_path / "pipe", tmp_path / "loop"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    for path, said in [(pipe, "a device or a pipe"), (tmp_path, "a folder"), (loop, "nowhere")]:
        with pytest.raises(ValueError, match=f"^{re.escape(str(path))} is .*{said}"):
            write(path)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert names(tmp_path) == ["loop", "pipe"]


def test_two_writers_at_once_do_not_share_a_half_written_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with replacing(path) as one:
        one.write(b"one, " * 100)
        with replacing(path) as other:
            other.write(b"other")
        assert path.read_bytes() == b"other"
    assert path.read_bytes() == b"one, " * 100
    assert names(tmp_path) == ["a"]


def test_a_full_disk_is_told_with_the_name_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    path = tmp_path / "a"
    with pytest.raises(OSError, match="No space left") as caught:
        write(path)
    assert caught.value.filename == str(path)
    assert names(tmp_path) == []


@POSIX
def test_a_full_disk_under_a_library_is_an_oserror_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        text = "I/O error: No space left on device (os error 28)"
        raise checkpoints.SafetensorError(f"Error while serializing: {text}")

    monkeypatch.setattr(checkpoints, "save_file", full)
    path = tmp_path / "weights"
    with pytest.raises(OSError, match="No space left") as caught:
        checkpoints.write_tensors(path, {"w": torch.ones(2)}, {})
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    assert names(tmp_path) == []


def test_a_missing_folder_is_told_with_the_name_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "not" / "there"
    with pytest.raises(FileNotFoundError) as caught:
        write(path)
    assert caught.value.filename == str(path)


@POSIX
def test_what_a_killed_writer_left_is_swept_by_the_next(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom utils.llm.machine.files import replacing\n"
        "with replacing(sys.argv[1]) as file:\n    file.write(b'half')\n    os.kill(os.getpid(), 9)"
    )
    path = tmp_path / "a"
    subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert len(names(tmp_path)) == 1
    assert not path.exists()
    with replacing_path(path) as partial:
        partial.write_bytes(b"whole")
        (tmp_path / ".a.elsewhere-1-0.partial").write_bytes(b"another machine's")
    assert names(tmp_path) == [".a.elsewhere-1-0.partial", "a"]
