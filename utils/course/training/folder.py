"""The folder of a training is one thing: all files in it that count are of one run.

A new run is made ready in `.next`, beside what stands there. That its config.json takes the place
of the old one is the one step in which the folder changes hands: a process killed before it leaves
the old run whole, one killed after it the new one, whose files the next start moves up.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from utils.llm.machine.files import replacing

__all__ = ["beginning", "check_run", "digest_of", "is_foreign", "run_id", "settle", "write_json"]

CONFIG, CORPUS = "config.json", "corpus.json"
_READY = ("train.npy", "val.npy", "tokenizer.json", CORPUS)  # the last one moved up is the last
_MADE = (
    *("model.safetensors", "adapter.safetensors", "snapshot.pt", "log.csv", "recall.json"),
    *("loss.png", "README.md", "tensorboard"),
)
_NEXT = ".next"


def is_foreign(config: Mapping[str, Any]) -> bool:
    """Whether a config.json is there that `course train` did not write: a model of others, say."""
    return bool(config) and not {"corpus", "seed"} <= config.keys()


def run_id(*parts: object) -> str:
    """The name of a run, from all that makes it: equal where nothing differs."""
    told = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(told.encode(), digest_size=6).hexdigest()


@contextlib.contextmanager
def beginning(folder: Path) -> Iterator[Path]:
    """A place to make the files of a new run in; at the end of the block they are the folder's.

    An error in the block leaves the folder as it was.
    """
    place = folder / _NEXT
    _remove(place)
    place.mkdir()
    try:
        yield place
        (place / CONFIG).replace(folder / CONFIG)
    finally:
        settle(folder)  # by the ids, for Ctrl-C can come just behind the step


def settle(folder: Path) -> None:
    """Finish what a killed process began: move the files of a new run up, or throw them away."""
    place = folder / _NEXT
    if not place.is_dir():
        return
    new = _read(place / CORPUS).get("run")
    if new is not None and new == _read(folder / CONFIG).get("run"):
        for name in _MADE:
            _remove(folder / name)
        for name in _READY:
            if (place / name).exists():
                (place / name).replace(folder / name)
    _remove(place)


def check_run(folder: Path, tokenizer: str | None) -> Mapping[str, Any]:
    """What corpus.json tells. Raises ValueError where the files are not all of one run.

    `tokenizer` is the name that the tokenizer in the folder has; None where it has no file.
    """
    corpus, run = _read(folder / CORPUS), _read(folder / CONFIG).get("run")
    parts = {name: corpus.get(name) for name in ("train", "val") if name in corpus}
    strange = [
        f"{name}.npy" for name, mark in parts.items() if digest_of(folder / f"{name}.npy") != mark
    ]
    if tokenizer is not None and corpus.get("tokenizer", tokenizer) != tokenizer:
        strange.append("tokenizer.json")
    if corpus.get("run") != run:
        strange.append(CORPUS)
    if strange:
        raise ValueError(
            f"{folder} holds files of different trainings ({', '.join(strange)} and {CONFIG} "
            "don't belong together): begin anew with --fresh."
        )
    return corpus


def digest_of(path: Path) -> str:
    """Of all that a file holds. Raises OSError where it can't be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def write_json(path: Path, value: object) -> None:
    """Write it whole or not at all."""
    with replacing(path) as file:
        file.write((json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())


def _read(path: Path) -> Mapping[str, Any]:
    """The object in a JSON file; an empty one where there is none."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
