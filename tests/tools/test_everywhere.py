"""The lines of `make everywhere`: which a processor can run, and what each finds."""

from __future__ import annotations

from pathlib import Path

import everywhere
import pytest


def names(capability: str, x86: bool = True) -> list[str]:
    return [
        line.name for line in everywhere.lines(capability, x86) if line.name.endswith(" 2 threads")
    ]


def test_a_processor_runs_what_it_has_and_what_is_older() -> None:
    assert [name for name in names("AVX512") if "ATEN" in name and "MKL" not in name] == [
        f"ATEN_CPU_CAPABILITY={name}, 2 threads" for name in ("default", "avx2")
    ]
    newest, older = names("AVX512"), names("AVX2")
    assert set(older) < set(newest)
    assert {name for name in newest if name not in older} == {
        "ATEN_CPU_CAPABILITY=avx2, 2 threads",
        "ONEDNN_MAX_CPU_ISA=AVX512_CORE, 2 threads",
    }
    assert names("DEFAULT", x86=False) == names("SVE256", x86=False) == ["plain, 2 threads"]
    assert everywhere.lines("AVX2", True)[0] == ("plain, 1 thread", {"OMP_NUM_THREADS": "1"})


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs within load xdist and no other plugin: some bring torch along."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p xdist")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Two tests, of which one is red on two threads."""
    path = tmp_path / "test_threads.py"
    path.write_text(
        "import os\n\ndef test_well():\n    pass\n\n"
        "def test_threads():\n    assert os.environ['OMP_NUM_THREADS'] == '1', 'they differ'\n"
    )
    return path


def test_what_differs_is_named_line_by_line(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert everywhere.main(["--lines", "plain", "--jobs", "0", str(suite)]) == 1
    said = capsys.readouterr().out
    assert "plain, 1 thread: 2 ran, 0 failed" in said
    assert "plain, 2 threads: 2 ran, 1 failed" in said
    assert "::test_threads\n    AssertionError: they differ" in said
    assert said.splitlines()[-1].split()[:5] == ["plain,", "2", "threads", "2", "1"]
    assert everywhere.main(["--lines", "plain, 1", "--jobs", "0", str(suite)]) == 0


def test_a_run_without_a_report_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert everywhere.main(["--lines", "plain, 1", "--jobs", "0", "no_such_file.py"]) == 1
    assert "pytest\n    ended with 4" in capsys.readouterr().out
    assert everywhere.main(["--lines", "itanium"]) == 2
