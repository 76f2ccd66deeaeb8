"""The ways to start without installing name files, tasks and ports that are there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tools.tasks import TASKS

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")


def lines_of(word: str) -> list[str]:
    return re.findall(rf"^{word} (.+)$", DOCKERFILE, re.MULTILINE)


def test_the_container_copies_what_is_there_before_it_installs() -> None:
    before, after = DOCKERFILE.split("RUN make setup\n")
    copied = [
        name
        for line in re.findall(r"^COPY --chown=learner (.+)$", before, re.MULTILINE)
        for name in line.split()[:-1]
    ]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {"pyproject.toml", "constraints.txt", "tools", "utils", "README.md"} <= set(copied)
    assert "COPY --chown=learner . ." in after


def test_the_container_runs_a_supported_python_and_a_task_as_nobody_special() -> None:
    (image,) = lines_of("FROM")
    assert re.fullmatch(r"python:3\.1[123]-slim-\w+", image)
    assert lines_of("USER") == ["learner"]
    (command,) = lines_of("CMD")
    make, task, arguments = json.loads(command)
    assert make == "make"
    assert task in TASKS
    (port,) = lines_of("EXPOSE")
    assert f"--port {port}" in arguments
    assert f"-p {port}:{port}" in DOCKERFILE


def test_binder_finds_the_environment_and_nothing_that_comes_before_it() -> None:
    earlier = ("Dockerfile", "binder", ".binder", "Project.toml", "default.nix", "install.R")
    assert [name for name in earlier if (ROOT / name).exists()] == []
    assert (ROOT / "environment.yml").is_file()


def test_binder_s_own_reader_takes_the_python_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = pytest.importorskip("repo2docker.app").Repo2Docker()
    monkeypatch.chdir(ROOT)
    packs = (pack(app.base_image) for pack in app.buildpacks)
    found = next(pack for pack in packs if pack.detect())
    assert type(found).__name__ == "CondaBuildPack"
    assert found.python_version == "3.12"
    found.platform = "linux/amd64"
    assert "env update -p ${NB_PYTHON_PREFIX}" in found.render()


def test_what_is_made_here_does_not_travel_into_the_container() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".venv", ".git", "build"} <= set(ignored)
    assert not {"chapters", "utils", "tools", "README.md"} & set(ignored)


def test_a_codespace_sets_itself_up_by_the_course_s_own_set_up() -> None:
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    content = json.loads(text)
    assert "make setup" in content["postCreateCommand"]
    assert re.search(r"python:3\.1[123]-", content["image"])
    opened = content["customizations"]["codespaces"]["openFiles"]
    assert [name for name in opened if not (ROOT / name).is_file()] == []
    assert set(content["portsAttributes"]) == {str(p) for p in content["forwardPorts"]}


def test_the_site_is_published_by_the_authors_alone_and_one_job_may() -> None:
    path = ROOT / ".github" / "workflows" / "site.yml"
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    assert jobs["build"]["if"] == "github.event.repository.fork == false"
    assert [name for name, job in jobs.items() if "permissions" in job] == ["publish"]
    assert jobs["publish"]["permissions"] == {"pages": "write", "id-token": "write"}
    ran = " ".join(step.get("run", "") for step in jobs["build"]["steps"])
    made = set(re.findall(r"make (\w+)", ran))
    assert made == {"site", "guide"}
    assert made <= set(TASKS)
    kept = [s["with"]["path"] for s in jobs["build"]["steps"] if "upload" in s.get("uses", "")]
    assert kept == ["build/site"]
