"""What the doctor says of machines that lack something."""

from __future__ import annotations

import json
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

from utils.course.commands import doctor
from utils.course.commands.doctor import Finding

NAMES = {
    "python": "Python",
    "packages": "packages",
    "torch": "PyTorch",
    "device": "device",
    "machine": "machine",
    "speed": "speed",
    "kernel": "kernel",
    "widgets": "widgets",
    "letters": "letters",
    "disk": "disk",
    "real_model": "model",
    "network": "network",
}


def without(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Make modules look as if they had never been installed."""
    find_spec, version_of = doctor.find_spec, doctor.version_of
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(
        doctor, "find_spec", lambda name: None if name in modules else find_spec(name)
    )
    monkeypatch.setattr(
        doctor, "version_of", lambda name: None if name in modules else version_of(name)
    )


@pytest.mark.slow
def test_this_machine_is_well() -> None:
    findings = {f.name: f for f in doctor.examine()}
    assert list(findings) == list(NAMES.values())
    assert [f for f in findings.values() if f.status == "missing"] == []
    assert sys.executable in findings["Python"].detail
    assert "with this Python" in findings["kernel"].detail


def test_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "torch")
    assert doctor.torch() == Finding("PyTorch", "missing", "not installed", "make lab")
    assert doctor.device().status == "note"
    assert doctor.packages().detail == "not installed: torch"


def test_a_torch_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "torch":
                raise OSError("libgomp.so.1: cannot open shared object file")

    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(doctor, "find_spec", lambda name: object())
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    found = doctor.torch()
    assert found.status == "missing"
    assert "does not start: libgomp.so.1" in found.detail


def fake_torch(version: str, *, cuda: bool = False, mps: bool = False) -> SimpleNamespace:
    return SimpleNamespace(
        __version__=version,
        __spec__=object(),
        cuda=SimpleNamespace(
            is_available=lambda: cuda,
            get_device_name=lambda _: "a GPU",
            get_device_properties=lambda _: SimpleNamespace(total_memory=8e9),
        ),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
    )


def test_an_old_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", fake_torch("2.5.1"))
    assert doctor.torch().status == "missing"
    assert "needs 2.6 or later" in doctor.torch().detail


@pytest.mark.parametrize(
    ("here", "said"),
    [({"cuda": True}, "CUDA: a GPU, 8 GB"), ({"mps": True}, "MPS"), ({}, "no GPU is needed")],
)
def test_devices(monkeypatch: pytest.MonkeyPatch, here: dict[str, bool], said: str) -> None:
    monkeypatch.setitem(sys.modules, "torch", fake_torch("2.13.0", **here))
    assert doctor.device().status == "good"
    assert said in doctor.device().detail


def test_no_jupyter(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "jupyter_client", "ipywidgets")
    assert doctor.kernel().status == "missing"
    assert doctor.widgets().detail == "ipywidgets is not installed"


def test_no_kernel_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_client import manager
    from jupyter_client.kernelspec import NoSuchKernel

    def start(**_: object) -> None:
        raise NoSuchKernel("python3")

    monkeypatch.setattr(manager, "start_new_kernel", start)
    found = doctor.kernel()
    assert found.detail == "no kernel is called python3"
    assert found.remedy.endswith("-m ipykernel install --sys-prefix")


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("2 /another/python", "it runs another Python: /another/python"),
        ("Timeout waiting for output", "did not compute 1 + 1"),
    ],
)
def test_a_kernel_that_is_not_ours(
    monkeypatch: pytest.MonkeyPatch, printed: str, said: str
) -> None:
    from jupyter_client import manager

    quiet = SimpleNamespace(stop_channels=lambda: None, shutdown_kernel=lambda now: None)
    monkeypatch.setattr(manager, "start_new_kernel", lambda **_: (quiet, quiet))
    monkeypatch.setattr(doctor, "run_in", lambda *_: printed)
    assert doctor.kernel().status == "missing"
    assert said in doctor.kernel().detail


def test_widgets_that_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"ipywidgets": "8.1.9", "jupyterlab_widgets": "1.1.0"}
    monkeypatch.setattr(doctor, "version_of", versions.get)
    assert doctor.widgets().status == "missing"
    assert "do not fit" in doctor.widgets().detail


def test_a_python_that_is_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.sys, "version_info", (3, 14, 0))
    assert doctor.python().status == "missing"
    assert "needs Python 3.11 to 3.13" in doctor.python().remedy


def test_little_memory_and_little_disk_are_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor, "memory_bytes", lambda: (int(4e9), int(0.5e9)))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(10, 10, int(0.1e9)))
    assert doctor.machine().status == "note"
    assert "0.5 GB of it free" in doctor.machine().detail
    assert doctor.disk().status == "note"


def test_offline_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    monkeypatch.setattr(doctor, "OFFLINE_SECONDS", 0.1)
    assert doctor.network().status == "note"


def test_the_doctor_survives_what_it_finds() -> None:
    def lungs() -> Finding:
        raise RuntimeError("cough")

    [found] = doctor.examine((lungs,))
    assert (found.name, found.status) == ("lungs", "missing")
    assert "cough" in found.detail


def test_a_real_model_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    found = doctor.real_model()
    assert (found.status, "course fetch smollm2" in found.remedy) == ("note", True)
    monkeypatch.setattr("utils.data.texts.real_models.kept_model", lambda name: tmp_path / "m")
    assert doctor.real_model() == Finding("model", "good", f"smollm2 is here: {tmp_path / 'm'}")


WELL = Finding("disk", "good", "9 GB free")
ILL = Finding("PyTorch", "missing", "not installed", "make lab")


@pytest.mark.parametrize(("findings", "status"), [([WELL], 0), ([WELL, ILL], 1)])
def test_status_and_words(
    findings: list[Finding],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: iter(findings))
    assert doctor.main() == status
    said = capsys.readouterr().out
    assert ("make lab" in said) == bool(status)
    assert doctor.main(as_json=True) == status
    read = json.loads(capsys.readouterr().out)
    assert read["well"] == (status == 0)
    assert [f["name"] for f in read["findings"]] == [f.name for f in findings]


def test_a_copy_without_its_list_of_packages_is_examined_too(tmp_path: Path) -> None:
    assert doctor.project(tmp_path) == {}


def test_versions_that_do_not_work_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor.version_of
    versions = {"ipywidgets": "7.7.1", "jupyterlab_widgets": "1.1.11", "jupyterlab": "3.6.8"}
    monkeypatch.setattr(doctor, "version_of", lambda name: versions.get(name) or real(name))
    assert doctor.widgets().status == "missing"
    assert "the course needs ipywidgets 8" in doctor.widgets().detail
    assert doctor.packages().status == "missing"
    assert "jupyterlab 3.6.8 (it needs 4.0 or later)" in doctor.packages().detail
    versions.update(ipywidgets="9.0.0", jupyterlab_widgets="4.0.0", jupyterlab="4.10.1")
    assert doctor.widgets().status == doctor.packages().status == "good"
