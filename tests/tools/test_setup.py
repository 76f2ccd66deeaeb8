"""The set-up: what it trusts, what it makes anew, and the one line it says when it can't go on."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from tools import environment, pip
from tools.environment import Place, SetupError
from tools.installed import discard_unsound, is_sound
from tools.lock import only_one

ROOT = Path(__file__).resolve().parents[2]
VERSION = sys.version_info[:2]


def package(site_packages: Path, name: str = "numpy-2.4.6", content: str = "x = 1\n") -> Path:
    """A package as pip leaves it: a module, and metadata that name its size."""
    metadata = site_packages / f"{name}.dist-info"
    metadata.mkdir(parents=True)
    module = site_packages / f"{name.split('-')[0]}.py"
    module.write_text(content, encoding="utf-8", newline="")
    rows = f"{module.name},sha256=abc,{len(content)}\n{metadata.name}/RECORD,,\n"
    (metadata / "RECORD").write_text(rows, encoding="utf-8")
    return metadata


def fill(place: Place) -> None:
    """A `.venv` that looks as one does, without the minutes that it takes."""
    place.scripts.mkdir(parents=True)
    place.python.touch()
    config = f"version = {VERSION[0]}.{VERSION[1]}.7\n"
    (place.venv / "pyvenv.cfg").write_text(config, encoding="utf-8")
    package(place.site_packages())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    root = tmp_path / "a course"
    root.mkdir()
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, root)
    place = Place(root)
    fill(place)
    return place


@pytest.fixture
def stamped(place: Place) -> Place:
    environment.write_stamp(place, ["test"])
    return place


class TestStamp:
    def test_a_whole_environment_is_ready(self, stamped: Place) -> None:
        assert environment.is_ready(stamped, (), None)
        assert environment.is_ready(stamped, ("test",), VERSION)

    def test_without_a_stamp_nothing_is_trusted(self, place: Place) -> None:
        assert not environment.is_ready(place, (), None)

    def test_an_extra_that_is_not_there_is_noticed(self, stamped: Place) -> None:
        assert not environment.is_ready(stamped, ("test", "pretrained"), None)

    @pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"pins": 1}'])
    def test_a_stamp_cut_short_is_no_stamp(self, stamped: Place, content: str) -> None:
        stamped.stamp.write_text(content, encoding="utf-8")
        assert not environment.is_ready(stamped, (), None)

    def test_another_pin_is_noticed(self, stamped: Place) -> None:
        with (stamped.root / "constraints.txt").open("a", encoding="utf-8") as constraints:
            constraints.write("new==1.0\n")
        assert not environment.is_ready(stamped, (), None)
        assert environment.must_rebuild(stamped, None) is None

    def test_another_dependency_is_noticed_and_a_setting_of_ruff_is_not(
        self, stamped: Place
    ) -> None:
        project = stamped.root / "pyproject.toml"
        text = project.read_text(encoding="utf-8")
        project.write_text(text.replace("line-length = 100", "line-length = 90"), encoding="utf-8")
        assert environment.is_ready(stamped, (), None)
        project.write_text(text.replace('"tqdm",', '"tqdm", "scipy",'), encoding="utf-8")
        assert not environment.is_ready(stamped, (), None)

    def test_a_package_taken_away_is_noticed_and_one_more_is_fine(self, stamped: Place) -> None:
        package(stamped.site_packages(), "scipy-1.17.1")
        assert environment.is_ready(stamped, (), None)
        shutil.rmtree(stamped.site_packages() / "numpy-2.4.6.dist-info")
        assert not environment.is_ready(stamped, (), None)

    def test_a_moved_or_copied_folder_is_made_anew(self, stamped: Place, tmp_path: Path) -> None:
        copy = Place(tmp_path / "copy")
        shutil.copytree(stamped.root, copy.root)
        assert not environment.is_ready(copy, (), None)
        assert environment.must_rebuild(copy, None) == "it was made in another folder"

    def test_a_python_chosen_by_name_counts(self, stamped: Place) -> None:
        assert "you chose 3.99" in str(environment.must_rebuild(stamped, (3, 99)))

    def test_a_python_out_of_range_is_made_anew(self, stamped: Place) -> None:
        (stamped.venv / "pyvenv.cfg").write_text("version_info = 3.9.2.final.0\n", encoding="utf-8")
        assert "3.9 is not one" in str(environment.must_rebuild(stamped, None))

    def test_a_python_that_has_gone_is_noticed(self, stamped: Place) -> None:
        stamped.python.unlink()
        assert not environment.is_ready(stamped, (), None)
        assert environment.must_rebuild(stamped, None) is not None

    def test_a_list_of_packages_that_cannot_be_read_is_said(self, stamped: Place) -> None:
        (stamped.root / "pyproject.toml").write_text("[", encoding="utf-8")
        with pytest.raises(SetupError, match="cannot read the list of packages"):
            environment.is_ready(stamped, (), None)


class TestInstalled:
    def test_whole_packages_stay(self, place: Place) -> None:
        assert discard_unsound(place.site_packages()) == []
        assert is_sound(place.site_packages() / "numpy-2.4.6.dist-info")

    @pytest.mark.parametrize("harm", ["cut", "gone", "no record", "empty record"])
    def test_what_an_interruption_leaves_is_installed_again(self, place: Place, harm: str) -> None:
        metadata = place.site_packages() / "numpy-2.4.6.dist-info"
        module = place.site_packages() / "numpy.py"
        if harm == "cut":
            module.write_text("x", encoding="utf-8")
        elif harm == "gone":
            module.unlink()
        elif harm == "no record":
            (metadata / "RECORD").unlink()
        else:
            (metadata / "RECORD").write_text("", encoding="utf-8")
        assert discard_unsound(place.site_packages()) == [metadata.name]
        assert not metadata.exists()

    def test_what_pip_had_moved_aside_goes(self, place: Place) -> None:
        (place.site_packages() / "~umpy").mkdir()
        discard_unsound(place.site_packages())
        assert not (place.site_packages() / "~umpy").exists()


class Steps:
    """Stands in for what costs minutes, and notes what was done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
        self.done: list[str] = []
        self.place = place
        self.fails = False
        monkeypatch.setattr(environment, "runs", lambda place: True)
        monkeypatch.setattr(environment, "create_venv", self.create)
        monkeypatch.setattr(environment, "pip_install", self.install)
        monkeypatch.setattr(environment, "try_opening", lambda *_: self.done.append("open"))

    def create(self, place: Place) -> None:
        self.done.append("create")
        fill(place)

    def install(self, python: Path, root: Path, extras: list[str], *rest: object) -> None:
        assert not self.place.stamp.exists(), "the stamp vouches for what is being changed"
        self.done.append(f"install {','.join(extras)}")
        if self.fails:
            raise SetupError("no network")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, place: Place) -> Steps:
    return Steps(monkeypatch, place)


class TestEnsure:
    def test_what_is_ready_is_left_alone(self, stamped: Place, steps: Steps) -> None:
        environment.ensure(stamped, ("test",))
        assert steps.done == []

    def test_from_nothing(self, place: Place, steps: Steps) -> None:
        shutil.rmtree(place.venv)
        environment.ensure(place, ())
        assert steps.done == ["create", "install ", "open"]
        assert environment.is_ready(place, (), None)

    def test_half_made_is_finished(self, place: Place, steps: Steps) -> None:
        environment.ensure(place, ())
        assert steps.done == ["install ", "open"]

    @pytest.mark.parametrize("remains", ["an empty folder", "a folder", "a file", "a link"])
    def test_a_venv_that_is_none_is_made_anew(
        self, place: Place, steps: Steps, tmp_path: Path, remains: str
    ) -> None:
        shutil.rmtree(place.venv)
        if remains == "a file":
            place.venv.touch()
        elif remains == "a link":
            try:
                place.venv.symlink_to(tmp_path / "nowhere")
            except OSError:
                pytest.skip("no right to make links here")
        else:
            place.venv.mkdir()
            if remains == "a folder":
                (place.venv / "lib").mkdir()
        environment.ensure(place, ())
        assert steps.done == ["create", "install ", "open"]

    def test_an_extra_is_added_to_what_is_there(self, place: Place, steps: Steps) -> None:
        environment.ensure(place, ())
        environment.ensure(place, ("test",))
        environment.ensure(place, ())
        assert steps.done == ["install ", "open", "install test", "open"]

    def test_one_extra_does_not_drive_another_out(self, stamped: Place, steps: Steps) -> None:
        environment.ensure(stamped, ("pretrained",))
        assert steps.done == ["install pretrained,test", "open"]

    def test_failing_leaves_no_stamp(self, stamped: Place, steps: Steps) -> None:
        steps.fails = True
        with pytest.raises(SetupError):
            environment.ensure(stamped, ("pretrained",))
        assert not environment.is_ready(stamped, (), None)

    def test_a_pip_that_left_holes_is_not_believed(
        self, place: Place, steps: Steps, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def install(*_: object) -> None:
            (place.site_packages() / "numpy.py").unlink()

        monkeypatch.setattr(environment, "pip_install", install)
        with pytest.raises(SetupError, match="run this again"):
            environment.ensure(place, ())
        assert not place.stamp.exists()


class TestMachine:
    @pytest.mark.parametrize("module", ["venv", "ensurepip"])
    def test_no_venv_module(
        self, module: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(
            environment.importlib.util, "find_spec", lambda name: None if name == module else 1
        )
        with pytest.raises(SetupError, match=rf"no {module} module.*sudo apt install python3"):
            environment.check_machine(tmp_path)

    def test_no_disk(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        usage = shutil.disk_usage(tmp_path)._replace(free=300_000_000)
        monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: usage)
        with pytest.raises(SetupError, match=r"0\.3 GB are free.*make room"):
            environment.check_machine(tmp_path)

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with (
            pytest.raises(SetupError, match="cannot write into"),
            only_one(tmp_path / "file" / "x"),
        ):
            pass

    def test_the_second_set_up_waits_for_the_first(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        order: list[str] = []

        def second() -> None:
            with only_one(tmp_path / "lock", pause=0.01):
                order.append("second")

        with only_one(tmp_path / "lock"):
            thread = threading.Thread(target=second)
            thread.start()
            thread.join(0.2)
            order.append("first")
        thread.join(5)
        assert order == ["first", "second"]
        assert capsys.readouterr().out.count("waiting for it") == 1

    def test_other_packages_are_kept_out(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONPATH", "elsewhere")
        monkeypatch.setenv("PIP_TARGET", "elsewhere")
        monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.invalid/simple")
        child = environment.child_environment(place)
        assert "PYTHONPATH" not in child
        assert "PIP_TARGET" not in child
        assert child["PIP_INDEX_URL"] == "https://mirror.invalid/simple"
        assert child["PATH"].startswith(str(place.scripts))


SAID = {
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device": (
        "the disk is full"
    ),
    "WARNING: Retrying … NewConnectionError(… Name or service not known)\n"
    "ERROR: No matching distribution found for torch": "could not reach the package index",
    "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]": "certificate",
    "ERROR: [Errno 13] Permission denied: '/x'": "may not write",
    "ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: "
    "2.2.1, 2.2.2)\nERROR: No matching distribution found for torch==2.13.0": (
        "there is no torch==2.13.0 for Python"
    ),
    "collecting\nERROR: ResolutionImpossible: see the docs": "pip failed: ResolutionImpossible",
    "": "no reason given",
}


class TestPip:
    @pytest.mark.parametrize("output", SAID)
    def test_a_failure_is_one_line_that_says_what_to_do(self, output: str) -> None:
        said = pip.explanation(output, Path("setup.log"))
        assert SAID[output] in said
        assert "\n" not in said

    def test_no_network(self, tmp_path: Path) -> None:
        own = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
        own |= {
            "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
            "PIP_RETRIES": "0",
            "PIP_CONFIG_FILE": os.devnull,
        }
        log = tmp_path / "setup.log"
        with pytest.raises(SetupError, match="could not reach the package index"):
            pip.run_pip(
                Path(sys.executable), ["--dry-run", "gpt-by-building-none"], own, tmp_path, log
            )
        assert "from versions: none" in log.read_text(encoding="utf-8")

    def test_the_index_for_torch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def source(**environment: str) -> str | None:
            return pip.torch_source(Path(sys.executable), environment)

        monkeypatch.setattr(pip.sys, "platform", "linux")
        monkeypatch.setattr(pip, "has_nvidia", lambda: False)
        monkeypatch.setattr(pip, "chooses_own_source", lambda *_: False)
        monkeypatch.setattr(pip, "answers", lambda url: True)
        assert source() == pip.CPU_INDEX
        assert source(COURSE_TORCH_INDEX="none") is None
        assert source(COURSE_TORCH_INDEX="https://other.invalid") == "https://other.invalid"
        for name, value in {
            "has_nvidia": True,
            "chooses_own_source": True,
            "answers": False,
        }.items():
            with monkeypatch.context() as changed:
                changed.setattr(pip, name, lambda *_, value=value: value)
                assert source() is None, name
        monkeypatch.setattr(pip.sys, "platform", "darwin")
        assert source() is None

    def test_a_choice_of_source_is_seen_and_left_alone(self) -> None:
        plain = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
        plain["PIP_CONFIG_FILE"] = os.devnull
        assert not pip.chooses_own_source(Path(sys.executable), plain)
        chosen = plain | {"PIP_INDEX_URL": "https://mirror.invalid/simple"}
        assert pip.chooses_own_source(Path(sys.executable), chosen)

    def test_an_index_that_does_not_answer_costs_little(self) -> None:
        assert not pip.answers("http://127.0.0.1:9/", seconds=1)

    @pytest.mark.parametrize("extras", [[], ["test"]])
    def test_what_pip_is_asked_for(
        self, place: Place, monkeypatch: pytest.MonkeyPatch, extras: list[str]
    ) -> None:
        asked: list[list[str]] = []
        monkeypatch.setattr(pip, "torch_source", lambda *_: "https://cpu.invalid")
        monkeypatch.setattr(pip, "run_pip", lambda _, arguments, *rest: asked.append([*arguments]))
        pip.pip_install(place.python, place.root, extras, {}, place.log)
        pinned = ["-c", "constraints.txt"]
        assert asked == [
            [*pinned, "torch", "--extra-index-url", "https://cpu.invalid"],
            [*pinned, "-e", ".[test]" if extras else "."],
        ]
        package(place.site_packages(), "torch-2.13.0+cpu")
        pip.pip_install(place.python, place.root, extras, {}, place.log)
        assert len(asked) == 3, "torch is there already"
