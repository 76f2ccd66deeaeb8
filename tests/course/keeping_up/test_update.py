"""`course update`: from a branch, a folder and a zip, begun too late, cut short; nothing lost."""

from __future__ import annotations

import errno
import json
import random
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from helpers.small_course import (
    commit,
    edit,
    exercise,
    git,
    publish,
    sources,
    write_course,
)
from typer.testing import CliRunner, Result

from utils.course import cli
from utils.course.keeping_up import update as updating
from utils.course.keeping_up.release import NoRelease, open_release

ANSWER = "    return x + 1  # mine"


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    return publish(tmp_path / "upstream")


@pytest.fixture
def fork(tmp_path: Path, upstream: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with an answer and a note, committed; upstream is one release further."""
    git(tmp_path, "clone", "-q", str(upstream), "fork")
    fork = tmp_path / "fork"
    edit(fork / "chapters/01_lines.ipynb", answers={"1.1": ANSWER}, note="my note")
    (fork / "mine.txt").write_text("mine")
    commit(fork, "My answers")
    write_course(upstream, " anew", *exercise("1.2", "A curve", "curve"))
    (upstream / "utils/new.py").write_text("# new\n")
    (upstream / "README.md").unlink()
    commit(upstream, "Two")
    monkeypatch.chdir(fork)
    return fork


def course(*words: str) -> Result:
    return CliRunner().invoke(cli.app, ["update", *words])


def holds_all(fork: Path) -> bool:
    """Whether the newer chapter is there with what was the learner's in it."""
    said = sources(fork / "chapters/01_lines.ipynb")
    return (
        said[0] == "# Lines anew"
        and ANSWER in said[2]
        and "my note" in said
        and any("1.2" in source for source in said)
        and "anew" in sources(fork / "chapters/02_text.ipynb")[0]
    )


def snapshot(folder: Path) -> dict[str, bytes]:
    files = (p for p in folder.rglob("*") if p.is_file() and ".git" not in p.parts)
    return {str(p): p.read_bytes() for p in files}


def test_a_branch_comes_in_and_git_can_go_on(fork: Path, upstream: Path) -> None:
    before = (fork / "chapters/01_lines.ipynb").read_bytes()
    said = course()
    assert said.exit_code == 0, said.output
    assert "1 answer" in said.output
    assert "new: 1.2" in said.output
    assert holds_all(fork)
    assert (fork / "utils/part.py").read_text() == "# utils/part.py anew\n"
    assert (fork / "utils/new.py").exists()
    assert not (fork / "README.md").exists()
    assert (fork / "mine.txt").read_text() == "mine"
    assert (fork / "before_update/1/chapters/01_lines.ipynb").read_bytes() == before
    assert "before_update" not in git(fork, "status", "--short")
    line = next(line for line in said.output.splitlines() if "git merge -s ours" in line)
    commit(fork, "Update")
    git(fork, "merge", "-s", "ours", "-m", "Update", line.split()[-1])
    write_course(upstream, " anew", *exercise("1.2", "A curve", "curve"))
    (upstream / "README.md").write_text("third\n")
    commit(upstream, "Three")
    git(fork, "pull", "-q", "--no-rebase", "--no-edit")
    assert holds_all(fork)
    assert (fork / "README.md").read_text() == "third\n"


def test_a_dry_run_writes_nothing(fork: Path) -> None:
    before = snapshot(fork)
    said = course("--dry-run")
    assert said.exit_code == 0
    assert "1 answer" in said.output
    assert snapshot(fork) == before


def test_a_second_update_finds_nothing_newer(fork: Path) -> None:
    course()
    after = snapshot(fork)
    said = course()
    assert said.exit_code == 0
    assert "Nothing is newer in origin/main. Where that is your own fork" in said.output
    assert snapshot(fork) == after


def test_a_remote_called_upstream_goes_before_the_fork(fork: Path, upstream: Path) -> None:
    git(fork, "remote", "rename", "origin", "upstream")
    git(fork, "remote", "add", "origin", str(fork))
    assert "From upstream/main" in course().output
    assert holds_all(fork)


def test_an_address_needs_no_remote(fork: Path, upstream: Path) -> None:
    git(fork, "remote", "remove", "origin")
    assert course().exit_code == 2
    assert course("--from", f"file://{upstream}").exit_code == 0
    assert holds_all(fork)


def test_a_merge_that_stopped_is_finished(fork: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        git(fork, "pull", "-q", "--no-rebase", "--no-edit")
    assert "<<<<<<<" in (fork / "chapters/01_lines.ipynb").read_text()
    said = course()
    assert said.exit_code == 0, said.output
    assert "git commit --no-edit" in said.output
    assert holds_all(fork)
    git(fork, "add", "-A")
    git(fork, "commit", "-q", "--no-edit")
    assert git(fork, "status", "--short") == ""
    assert holds_all(fork)


@pytest.mark.parametrize("with_git", [True, False])
def test_a_folder_will_do(fork: Path, upstream: Path, with_git: bool) -> None:
    if not with_git:
        shutil.rmtree(fork / ".git")
    said = course("--from", str(upstream))
    assert said.exit_code == 0, said.output
    assert holds_all(fork)
    assert (fork / "utils/part.py").read_text() == "# utils/part.py anew\n"


def test_a_zip_as_github_packs_it(fork: Path, upstream: Path, tmp_path: Path) -> None:
    shutil.rmtree(fork / ".git")
    with zipfile.ZipFile(tmp_path / "course.zip", "w") as archive:
        for path in upstream.rglob("*"):
            if path.is_file() and ".git" not in path.parts:
                archive.write(path, Path("course-main") / path.relative_to(upstream))
        archive.writestr("course-main/../../evil.py", "out")
        archive.writestr("course-main/.git/config", "evil")
        archive.writestr("/evil.py", "out")
    said = course("--from", str(tmp_path / "course.zip"))
    assert said.exit_code == 0, said.output
    assert holds_all(fork)
    assert not (fork / ".git").exists()
    assert not [*tmp_path.rglob("evil.py")]


def test_chapters_alone(fork: Path) -> None:
    course("--chapters-only")
    assert holds_all(fork)
    assert (fork / "README.md").exists()


def test_a_file_that_both_changed_is_the_releases_and_kept_aside(fork: Path) -> None:
    (fork / "utils/part.py").write_text("# my own\n")
    assert "utils/part.py, which you changed" in course().output
    assert (fork / "utils/part.py").read_text() == "# utils/part.py anew\n"
    assert (fork / "before_update/1/utils/part.py").read_text() == "# my own\n"


def test_what_only_the_learner_changed_stays(fork: Path, upstream: Path) -> None:
    (fork / "README.md").write_text("my own\n")
    course()
    assert (fork / "README.md").read_text() == "my own\n"


def test_a_chapter_of_another_name_takes_the_work_along(fork: Path, upstream: Path) -> None:
    (upstream / "chapters/01_lines.ipynb").rename(upstream / "chapters/01_curves.ipynb")
    commit(upstream, "Three")
    course()
    assert [p.name for p in sorted((fork / "chapters").iterdir())] == [
        "01_curves.ipynb",
        "02_text.ipynb",
    ]
    assert any(ANSWER in source for source in sources(fork / "chapters/01_curves.ipynb"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"nbformat": 4, "cells": 3}', "[" * 100_000])
def test_a_broken_chapter_is_left_alone_and_the_others_come(fork: Path, text: str) -> None:
    (fork / "chapters/01_lines.ipynb").write_text(text)
    said = course()
    assert said.exit_code == 1
    assert "❌ 01 lines: left alone" in said.output
    assert (fork / "chapters/01_lines.ipynb").read_text() == text
    assert "anew" in sources(fork / "chapters/02_text.ipynb")[0]


@pytest.mark.parametrize("calls", [0, 1, 2, 3, 4])
def test_a_full_disk_costs_nothing(fork: Path, calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it strikes, the answer is in its place or aside, and the next update ends it."""
    real, left = updating.replacing, [calls]

    def full(path: Path) -> object:
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        left[0] -= 1
        return real(path)

    monkeypatch.setattr(updating, "replacing", full)
    said = course()
    assert said.exit_code == 2
    assert "No space left" in said.output
    assert ANSWER in (fork / "chapters/01_lines.ipynb").read_text()
    monkeypatch.setattr(updating, "replacing", real)
    assert course().exit_code == 0
    assert holds_all(fork)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "nowhere/main"], "no zip, folder or branch"),
        (["--from", "."], "the course that would be updated"),
        (["--from", "chapters/01_lines.ipynb"], "no zip"),
        (["--from", "utils"], "not the course"),
        (["--from", "file:///nowhere.git"], "git fetch"),
        (["no-such-folder"], "no folder"),
    ],
)
def test_what_is_no_release_is_told_in_one_line(fork: Path, words: list[str], said: str) -> None:
    before = snapshot(fork)
    result = course(*words)
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert snapshot(fork) == before


def test_chapters_that_nobody_touched_are_the_releases_to_the_byte(
    fork: Path, upstream: Path
) -> None:
    course()
    name = "chapters/02_text.ipynb"
    assert (fork / name).read_bytes() == (upstream / name).read_bytes()
    assert not (fork / "before_update/1" / name).exists()


def test_what_a_clone_does_not_track_is_no_part_of_a_release(fork: Path, upstream: Path) -> None:
    (upstream / "my_llm.py").write_text("theirs\n")
    course("--from", str(upstream))
    assert holds_all(fork)
    assert not (fork / "my_llm.py").exists()


def test_two_updates_without_a_commit_between_call_nothing_the_learners(
    fork: Path, upstream: Path
) -> None:
    course()
    write_course(upstream, " anew", *exercise("1.2", "A curve", "curve"))
    (upstream / "utils/part.py").write_text("# third\n")
    commit(upstream, "Three")
    said = course()
    assert "which you changed" not in said.output
    assert (fork / "utils/part.py").read_text() == "# third\n"
    assert holds_all(fork)


def test_chapters_alone_are_not_told_to_git_as_all(fork: Path) -> None:
    assert "git merge" not in course("--chapters-only").output


def test_a_notebook_of_ones_own_is_no_chapter(fork: Path) -> None:
    """Though its name begins with a chapter's number."""
    chapters = fork / "chapters"
    own = chapters / "01_a.ipynb"
    own.write_text('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}')
    (chapters / "01_lines.ipynb").unlink()
    course()
    assert own.exists()
    assert (chapters / "01_lines.ipynb").exists()


def test_of_a_renamed_chapter_and_its_copy_the_chapter_is_taken(fork: Path, upstream: Path) -> None:
    (upstream / "chapters/01_lines.ipynb").rename(upstream / "chapters/01_curves.ipynb")
    commit(upstream, "Three")
    lines, copied = fork / "chapters/01_lines.ipynb", fork / "chapters/01_lines-Copy1.ipynb"
    copied.write_bytes(lines.read_bytes())
    edit(lines, answers={"1.1": ANSWER}, note="the newer note")
    course()
    assert copied.exists()
    assert "the newer note" in sources(fork / "chapters/01_curves.ipynb")


@pytest.mark.parametrize(
    "cell",
    [
        {"cell_type": "weird", "metadata": {}, "source": "", "id": "a"},
        {"cell_type": "code", "source": "1", "outputs": [{"output_type": "odd"}], "id": "a"},
    ],
)
def test_what_jupyter_could_not_open_is_left_alone(fork: Path, cell: dict) -> None:
    path = fork / "chapters/01_lines.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"].append(cell)
    path.write_text(json.dumps(notebook))
    before = path.read_bytes()
    said = course()
    assert said.exit_code == 1
    assert "❌ 01 lines: left alone" in said.output
    assert path.read_bytes() == before


def test_a_notebook_of_an_older_format_is_taken_along(fork: Path) -> None:
    path = fork / "chapters/01_lines.ipynb"
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        del cell["id"]
        cell["metadata"] = {}
    path.write_text("\ufeff" + json.dumps({**notebook, "nbformat_minor": 2}), encoding="utf-8")
    assert course().exit_code == 0
    assert holds_all(fork)


def test_a_damaged_release_changes_nothing(fork: Path, upstream: Path) -> None:
    (upstream / "chapters/02_text.ipynb").write_text("{")
    commit(upstream, "Three")
    before = snapshot(fork)
    said = course()
    assert (said.exit_code, "damaged" in said.output) == (2, True)
    assert snapshot(fork) == before


def test_a_flipped_bit_of_a_zip_is_noticed(fork: Path, upstream: Path, tmp_path: Path) -> None:
    whole = tmp_path / "course.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(upstream.rglob("*")):
            if path.is_file() and ".git" not in path.parts:
                archive.write(path, path.relative_to(upstream))
    content, draw = whole.read_bytes(), random.Random(0)
    right = open_release(str(whole), fork)
    for _ in range(100):
        at, flipped = draw.randrange(len(content)), bytearray(content)
        flipped[at] ^= 1 << draw.randrange(8)
        whole.write_bytes(flipped)
        try:
            found = open_release(str(whole), fork)
        except NoRelease:
            continue
        for name in found.files.keys() & right.files.keys():
            assert found.files[name] == right.files[name]


def test_a_shallow_clone_will_do(
    fork: Path, upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{fork}", "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    said = course("--from", f"file://{upstream}")
    assert said.exit_code == 0, said.output
    assert holds_all(tmp_path / "shallow")
