"""The files that describe the environment say the same, and say all of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
SYSTEMS = {
    "Linux": {"sys_platform": "linux", "os_name": "posix", "platform_machine": "x86_64"},
    "Darwin": {"sys_platform": "darwin", "os_name": "posix", "platform_machine": "arm64"},
    "Windows": {"sys_platform": "win32", "os_name": "nt", "platform_machine": "AMD64"},
}


def constraints() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    return {canonicalize_name(n): Version(v) for n, v in (line.split("==") for line in lines)}


def conda() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def conda_packages() -> dict[str, SpecifierSet]:
    lines = [line for line in conda()["dependencies"] if isinstance(line, str)]
    parts = [line.partition(" ") for line in lines if not line.startswith("python=")]
    return {name: SpecifierSet(bounds) for name, _, bounds in parts}


def test_conda_and_pip_name_the_same_packages_with_the_same_bounds() -> None:
    wanted = {r.name: r.specifier for r in map(Requirement, PROJECT["dependencies"])}
    named = {CONDA_NAMES.get(name, name): bounds for name, bounds in wanted.items()}
    assert conda_packages() == named | {"pip": SpecifierSet()}


def test_conda_names_one_python_in_the_form_that_binder_reads() -> None:
    (line,) = [x for x in conda()["dependencies"] if str(x).startswith("python")]
    found = re.fullmatch(
        r"python=(3\.\d+)", line
    )  # a range it passes over, for a Python of its own
    assert found
    assert f"{found[1]}.0" in SpecifierSet(PROJECT["requires-python"])


def test_widgets_are_of_the_generation_that_shows_itself() -> None:
    (widgets,) = [r for r in map(Requirement, PROJECT["dependencies"]) if r.name == "ipywidgets"]
    assert "8.0.0" in widgets.specifier
    assert "7.8.5" not in widgets.specifier


LF = ("Makefile", ".ci/run", "setup_env.py", "tools/launch.py", "tests/everywhere.py")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_what_a_shell_runs_keeps_its_line_ends(tmp_path: Path) -> None:
    (tmp_path / ".gitattributes").write_bytes((ROOT / ".gitattributes").read_bytes())
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    command = ["git", "check-attr", "eol", "--", *LF, "any.sh", "some/where.ipynb"]
    said = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert [line.rpartition(" ")[2] for line in said.stdout.splitlines()] == ["lf"] * (len(LF) + 2)


def test_conda_installs_the_course_itself() -> None:
    assert {"pip": ["-e ."]} in conda()["dependencies"]
    assert conda()["name"] == PROJECT["name"]
    assert conda()["channels"][0] == "conda-forge"


def test_every_package_of_the_design_is_there() -> None:
    runtime = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert runtime >= set(
        "jupyterlab torch numpy matplotlib ipywidgets tiktoken safetensors tqdm "
        "jupytext nbclient nbconvert typer rich jaxtyping beartype".split()
    )
    assert set(EXTRAS["test"]) >= set(
        "pytest nbval pytest-xdist hypothesis transformers ruff".split()
    )
    assert EXTRAS["pretrained"] == ["huggingface_hub"]


def test_pins_are_exact_and_hold_on_other_machines() -> None:
    pins = constraints()
    assert str(pins["torch"]) == "2.13.0"
    assert [name for name, version in pins.items() if version.local] == []
    required = [*PROJECT["dependencies"], *EXTRAS["test"], *EXTRAS["pretrained"]]
    for requirement in map(Requirement, required):
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier


def test_opening_a_notebook_builds_no_grammar() -> None:
    """From 4.25 jsonschema does, for more than a second in each process that imports nbformat."""
    assert constraints().keys().isdisjoint({"lark", "rfc3987-syntax"})
    loaded = "import sys, nbformat; print('lark' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True)
    assert ran.stdout == "False\n", ran.stderr


def test_pinned_packages_support_every_python_of_the_course() -> None:
    pythons = ("3.11.0", "3.12.0", "3.13.0")  # Debian 12 has 3.11.2
    assert all(python in SpecifierSet(PROJECT["requires-python"]) for python in pythons)
    assert "3.14.0" not in SpecifierSet(PROJECT["requires-python"])
    for name, pin in constraints().items():
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue
        if Version(installed.version).public != str(pin):
            continue
        range_ = SpecifierSet(installed.metadata.get("Requires-Python") or "")
        assert all(python in range_ for python in pythons), name


def needed(system: str, python: str) -> Iterator[str]:
    """Every package that the installed ones ask for, on a system that may not be this one."""
    machine = SYSTEMS[system] | {
        "platform_system": system,
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    todo = [*map(Requirement, [*PROJECT["dependencies"], *EXTRAS["test"], *EXTRAS["pretrained"]])]
    seen: set[tuple[str, str]] = set()
    while todo:
        requirement = todo.pop()
        for extra in {"", *requirement.extras}:
            key = (canonicalize_name(requirement.name), extra)
            if key in seen:
                continue
            seen.add(key)
            yield key[0]
            try:
                lines = distribution(requirement.name).requires or ()
            except PackageNotFoundError:
                continue
            for deeper in map(Requirement, lines):
                if deeper.marker is None or deeper.marker.evaluate(machine | {"extra": extra}):
                    todo.append(deeper)


@pytest.mark.parametrize("python", ["3.11", "3.13"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_everything_is_pinned_on_every_system(system: str, python: str) -> None:
    # PyTorch pins its own CUDA libraries, which not every build of it brings.
    cuda = re.compile(r"nvidia-|cuda-|triton$")
    pins = constraints()
    assert {n for n in needed(system, python) if not cuda.match(n)} - set(pins) == set()


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def workflow(name: str) -> dict[Any, Any]:
    return yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))


def commands(steps: list[dict[str, Any]]) -> str:
    return "\n".join(step.get("run", "") for step in steps)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_workflow_takes_from_others_is_pinned_and_its_version_is_told(path: Path) -> None:
    lines = [x for x in path.read_text(encoding="utf-8").splitlines() if "uses:" in x]
    assert lines
    assert [x for x in lines if not re.search(r"@[0-9a-f]{40}  # v\d+\.\d+\.\d+$", x)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_careful(path: Path) -> None:
    content = workflow(path.name)
    assert content["permissions"] == {"contents": "read"}
    assert content["concurrency"]["cancel-in-progress"] is True
    for job in content["jobs"].values():
        assert job["timeout-minutes"] <= 60
        for step in job["steps"]:
            assert {"uses", "run"} & step.keys()
            if "uses" in step:
                assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])
        cached = [s["with"] for s in job["steps"] if "setup-python" in s.get("uses", "")]
        assert [with_["cache"] for with_ in cached] == ["pip"] * len(cached)
        listed = [name for with_ in cached for name in with_["cache-dependency-path"].split()]
        assert all((ROOT / name).is_file() for name in listed)
        assert cached or not [s for s in job["steps"] if "run" in s]  # what runs Python caches it


def test_authors_check_three_systems_and_forks_are_left_alone() -> None:
    job = workflow("test.yml")["jobs"]["test"]
    assert job["if"] == "github.event.repository.fork == false"
    systems = {name.split("-")[0] for name in job["strategy"]["matrix"]["os"]}
    assert systems == {"ubuntu", "macos", "windows"}
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    assert job["env"]["COURSE_AUTHOR"] == "1"
    assert ".ci/run" in commands(job["steps"])
    assert "setup_env.py test" in commands(job["steps"])


def test_a_fork_checks_its_owners_answers() -> None:
    job = workflow("learner.yml")["jobs"]["answers"]
    assert job["if"].startswith("github.event.repository.fork == true")
    assert "course check chapters/*.ipynb" in commands(job["steps"])
    assert "$GITHUB_STEP_SUMMARY" in commands(job["steps"])
    keeping = job["steps"][-1]
    assert keeping["if"] == "always()"
    assert keeping["with"]["path"] in commands(job["steps"])


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    text = script.read_text(encoding="utf-8")
    assert "    make test " in (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^exec make .*\btest$", text, flags=re.MULTILINE)
    assert "export COURSE_AUTHOR=1" in text
    if os.name == "posix":
        assert os.access(script, os.X_OK)


def test_the_licence_covers_code_and_prose() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Permission is hereby granted, free of charge" in text
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in text
    assert PROJECT["license"] == "MIT AND CC-BY-4.0"
    assert text.count("Copyright (c) 2026 The authors of the course") == 2


def test_the_readme_points_at_files_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []
