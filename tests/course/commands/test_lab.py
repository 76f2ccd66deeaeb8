"""JupyterLab as the course sets it: nothing of somebody else's is touched."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from utils.course.commands.lab import SETTINGS, prepare


def overrides(prefix: Path) -> Path:
    return prefix / "share" / "jupyter" / "lab" / "settings" / "overrides.json"


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "elsewhere")


def test_widgets_are_kept_and_the_news_is_not_asked_for(tmp_path: Path) -> None:
    prepare(tmp_path)
    assert json.loads(overrides(tmp_path).read_text()) == SETTINGS
    assert os.environ["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "elsewhere"]
    before = overrides(tmp_path).stat().st_mtime_ns
    prepare(tmp_path)
    assert overrides(tmp_path).stat().st_mtime_ns == before
    assert os.environ["PATH"].count("elsewhere") == 1


def test_what_somebody_set_stays(tmp_path: Path) -> None:
    name = "@jupyter-widgets/jupyterlab-manager:plugin"
    overrides(tmp_path).parent.mkdir(parents=True)
    overrides(tmp_path).write_text(json.dumps({name: {"saveState": False}, "other": {"a": 1}}))
    prepare(tmp_path)
    said = json.loads(overrides(tmp_path).read_text())
    assert said[name] == {"saveState": False}
    assert said["other"] == {"a": 1}
    assert len(said) == 3


@pytest.mark.parametrize(
    "text", ["[1, 2", "[]", '{"@jupyter-widgets/jupyterlab-manager:plugin": 3}']
)
def test_a_file_that_is_not_understood_is_left_alone(tmp_path: Path, text: str) -> None:
    overrides(tmp_path).parent.mkdir(parents=True)
    overrides(tmp_path).write_text(text)
    prepare(tmp_path)
    assert overrides(tmp_path).read_text() == text
