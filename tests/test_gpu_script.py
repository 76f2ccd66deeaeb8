"""The script behind `make gpu`, as far as it goes without a card, and what is told of it."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from utils.course.training import gpu as told_of

ROOT = Path(__file__).resolve().parents[1]
FULL = {
    "device": "card",
    "torch": "2.9",
    "date": "2026-01-02",
    "training": {
        "peak_tflops": 700.0,
        "batch": 32,
        "ours": {"tokens_per_second": 412_345.6, "share": 0.534},
        "plain": {"tokens_per_second": 400_000.0, "share": 0.52},
    },
    "writing": {"1": 210.4, "64": 9_876.5},
    "tests": {"passed": 47, "failed": 1, "skipped": 0, "said": ["FAILED tests/x.py::y"]},
    "chapters": {
        "chapter 06": {"seconds": 31.6, "failed": None},
        "chapter 07": {"error": "not done after 9 s"},
        "chapter 08": {"seconds": 3.0, "failed": "TypeError: no"},
    },
}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "tests" / "bench")
    module = importlib.import_module("gpu")
    for name in ("chapter 06", "chapter 07"):  # one is enough here
        monkeypatch.delitem(module.PARTS, name)
    monkeypatch.setattr(module, "measured", lambda name, pretend, _: module.PARTS[name](pretend))
    yield module
    for name in ("gpu", "training", "_plain_gpt"):
        sys.modules.pop(name, None)


@pytest.mark.slow
def test_pretending_goes_through_all_parts(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "gpu.json"
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--pretend", "--out", str(out)])
    assert script.main() == 0, capsys.readouterr().out
    record = json.loads(out.read_text(encoding="utf-8"))
    assert record["device"] == "a pretence"
    assert {"ours", "plain"} <= record["training"].keys()
    assert all(speed > 0 for speed in record["writing"].values())
    assert record["tests"]["passed"] == 1
    assert record["chapters"]["chapter 08"]["failed"] is None
    assert told_of.told(record) in capsys.readouterr().out


def test_without_a_card_nothing_is_measured(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    monkeypatch.setattr(script.torch.cuda, "is_available", lambda: False)
    assert script.main() == 1
    assert "no NVIDIA card here" in capsys.readouterr().err


def test_each_line_that_changes_stands_in_its_chapter() -> None:
    sys.path.insert(0, str(ROOT / "tests" / "bench"))
    try:
        lines = importlib.import_module("gpu").ONE_LINE
    finally:
        sys.path.pop(0)
    for name, (old, _) in lines.items():
        source = (ROOT / "solutions" / f"{name}.py").read_text(encoding="utf-8")
        assert source.splitlines().count(old) == 1


def test_what_is_told_is_what_was_measured(tmp_path: Path) -> None:
    assert told_of.told(FULL).splitlines() == [
        "on one card",
        "GPT-2 small, bfloat16, compiled: 412,346 tokens/s, 53% of the fastest matrix product",
        "the same by nanoGPT's recipe: 400,000 tokens/s, 52% of the fastest matrix product",
        "it writes one text: 210 tokens/s",
        "it writes 64 texts at once: 9,876 tokens/s",
        "tests made for a card: 47 passed, 1 failed",
        "chapter 06: 32 s",
        "chapter 07: not measured: not done after 9 s",
        "chapter 08: TypeError: no",
    ]
    none = {"error": "no time was left for it"}
    lost = {**FULL, "training": none, "writing": none, "tests": none}
    assert told_of.told(lost).count("not measured: no time was left for it") == 5
    assert told_of.measurements(tmp_path / "none.json") is None


def test_the_readme_tells_what_the_file_holds(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert told_of.markdown() in readme
    copy = tmp_path / "README.md"
    copy.write_text(readme, encoding="utf-8")
    told_of.put_into_readme(FULL, copy)
    assert "| it writes one text | 210 tokens/s |" in copy.read_text(encoding="utf-8")
    told_of.put_into_readme(None, copy)
    assert (told_of.FILE.exists()) or copy.read_text(encoding="utf-8") == readme
    copy.write_text("no place", encoding="utf-8")
    with pytest.raises(ValueError, match="no place for the table"):
        told_of.put_into_readme(FULL, copy)
