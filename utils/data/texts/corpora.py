"""Texts to learn from: three by name, and any text file or folder of the reader's own."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from utils.data.storyworld import world as storyworld
from utils.data.texts.download import fetch

__all__ = ["NAMES", "Corpus", "CorpusError", "load_corpus"]

#: What `load_corpus` knows by name.
NAMES = ("stories", "python-docs", "shakespeare")

_TRAIN_STORIES, _VAL_STORIES = 10_000, 1_000
_SHARE = 0.9
_SHORTEST = 100
_LARGEST = 100_000_000
_SUFFIXES = frozenset(
    (
        ".bib", ".c", ".cc", ".cfg", ".cpp", ".css", ".csv", ".go", ".h", ".hpp", ".htm", ".html",
        ".ini", ".java", ".jl", ".js", ".json", ".jsonl", ".kt", ".lua", ".markdown", ".md", ".org",
        ".php", ".py", ".r", ".rb", ".rs", ".rst", ".sh", ".sql", ".srt", ".swift", ".tex", ".text",
        ".toml", ".ts", ".tsv", ".txt", ".xml", ".yaml", ".yml",
    )
)  # fmt: skip
_MARKS = (  # in this order: the second begins as the first does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SHOWN = 8
_SHAKESPEARE_URL = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
)
_SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


class CorpusError(ValueError):
    """A text that can't be used: says which, why, and what to do."""


@dataclass(frozen=True)
class Corpus:
    """A text in two parts: `train` to learn from, `val` (about a tenth) to be judged on.

    Of a folder, `read` lists the files that it is made of, `skipped` the others, each with why.
    """

    name: str
    train: str
    val: str
    read: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def told(self) -> tuple[str, ...]:
        """What was read and what was not, in lines."""
        listed = {"read": self.read, "skipped": self.skipped}
        return tuple(f"{what} {_shortly(names)}" for what, names in listed.items() if names)


def load_corpus(name_or_path: str | os.PathLike[str]) -> Corpus:
    """Load a corpus by its name, or a text file or folder by its path.

    - "stories": 11,000 stories of the story world, one a line, `train` and `val` drawn with
      different seeds;
    - "python-docs": the language reference that ships inside Python (`pydoc_data.topics`);
    - "shakespeare": 1.1 MB of plays; downloads once into a cache folder (see `download`);
    - a text file in UTF-8, or in UTF-16 with the mark that Windows begins it with, or a folder:
      its text files (.txt, .md, .py and others) in sorted order, folders within it too, hidden
      and binary ones skipped.

    All but the stories are cut in two near nine tenths, between paragraphs where possible.
    A name goes before a path: write "./stories" for a folder of that name.
    Raises CorpusError (a ValueError) or DownloadError (an OSError), which say what to do.
    """
    if not isinstance(name_or_path, str | os.PathLike):
        raise TypeError(
            f"load_corpus takes a name ({_names()}) or a path; got {type(name_or_path).__name__}"
        )
    given = os.fspath(name_or_path)
    if isinstance(name_or_path, str) and given in NAMES:
        return _by_name(given)
    path = Path(given).expanduser()
    if not given.strip() or not path.exists():
        raise CorpusError(_nothing_there(given))
    name = path.resolve().name
    if not path.is_dir():
        return _split(name, _read_file(path))
    paths, skipped = _text_files(path)
    parts = _split(name, _read_all(path, paths))
    read = tuple(each.relative_to(path).as_posix() for each in paths)
    return replace(parts, read=read, skipped=tuple(skipped))


@cache
def _by_name(name: str) -> Corpus:
    if name == "stories":
        train = storyworld.stories(_TRAIN_STORIES, seed=0)
        val = storyworld.stories(_VAL_STORIES, seed=1)
        return Corpus(name, _lines(train), _lines(val))
    if name == "python-docs":
        from pydoc_data.topics import topics

        return _split(name, "\n\n".join(topics[topic].strip() for topic in sorted(topics)) + "\n")
    path = fetch(_SHAKESPEARE_URL, "tiny-shakespeare.txt", _SHAKESPEARE_SHA256)
    return _split(name, _read_file(path))


def _lines(stories: list[str]) -> str:
    return "\n".join(stories) + "\n"


def _names() -> str:
    return ", ".join(f'"{name}"' for name in NAMES)


def _nothing_there(given: str) -> str:
    looks_like_path = bool(re.search(r"[/\\.~]", given))
    what = f"there is no file or folder at {given!r}" if looks_like_path else f"no corpus {given!r}"
    return (
        f"{what}; the corpora known by name are {_names()}, anything else is the path of a text "
        f"file or folder, seen from the folder you are in ({Path.cwd().name!r})"
    )


def _read_file(path: Path) -> str:
    """The text of one file, its line ends as \\n and without a byte order mark."""
    if not path.is_file():
        raise CorpusError(f"{path} is neither a file nor a folder; give the path of a text file")
    try:
        if path.stat().st_size > _LARGEST:
            raise CorpusError(f"{path} is larger than {_LARGEST:,} bytes; give a part of it")
        data = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path} can't be read: {error.strerror or error}") from error
    try:
        text = data.decode(_encoding(data))
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path} is not {error.encoding.upper()} text: byte {error.start} is "
            f"0x{data[error.start]:02x}; save it as UTF-8 (most editors offer that under Save "
            "as), or take it out of the folder"
        ) from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _encoding(data: bytes) -> str:
    """UTF-8, or what the mark at the beginning says: PowerShell's `>` writes UTF-16."""
    return next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")


def _read_all(folder: Path, paths: Sequence[Path]) -> str:
    if not paths:
        raise CorpusError(
            f"{folder} holds no text file (.txt, .md, .py and the like); hidden and binary files "
            "are skipped, and so is what has no such ending: give such a file by its own path"
        )
    total = sum(path.stat().st_size for path in paths)
    if total > _LARGEST:
        raise CorpusError(
            f"{folder} holds {total:,} bytes of text, more than {_LARGEST:,}; give a folder in it"
        )
    texts = (_read_file(path).strip("\n") for path in paths)
    return "\n\n".join(text for text in texts if text.strip()) + "\n"


def _text_files(folder: Path) -> tuple[list[Path], list[str]]:
    """Text files in the folder and below, in the same order on every system; and the others."""
    found, skipped = [], {}
    for parent, folders, files in os.walk(folder):
        hidden = [name for name in folders if name.startswith((".", "__pycache__"))]
        skipped |= {Path(parent, name): "a hidden folder" for name in hidden}
        folders[:] = [name for name in folders if name not in hidden]
        for path in (Path(parent, name) for name in files):
            why = _why_not(path)
            if why:
                skipped[path] = why
            else:
                found.append(path)
    order = sorted(skipped, key=lambda path: path.relative_to(folder).parts)
    told = [f"{path.relative_to(folder).as_posix()} ({skipped[path]})" for path in order]
    return sorted(found, key=lambda path: path.relative_to(folder).parts), told


def _why_not(path: Path) -> str:
    """Why a file is none of the text; empty where it is."""
    if path.name.startswith("."):
        return "hidden"
    if path.suffix.lower() not in _SUFFIXES:
        return f"ends in {path.suffix}" if path.suffix else "has no ending"
    if not path.is_file():
        return "no file"
    return "binary" if _is_binary(path) else ""


def _shortly(names: Sequence[str]) -> str:
    """How many, and the first of them."""
    rest = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    count = f"{len(names):,} file{'s' * (len(names) > 1)}"
    return f"{count}: {', '.join(names[:_SHOWN])}{rest}"


def _is_binary(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(8192)
    except OSError as error:
        raise CorpusError(f"{path} can't be read: {error.strerror or error}") from error
    return b"\0" in start and not start.startswith(tuple(mark for mark, _ in _MARKS))


def _split(name: str, text: str) -> Corpus:
    """Cut near nine tenths: after a blank line, else after a line, else after a space."""
    if not text.strip():
        raise CorpusError(f"{name} is empty; give a text of at least {_SHORTEST} characters")
    if len(text) < _SHORTEST:
        raise CorpusError(
            f"{name} has {len(text)} characters, too few to split into a part to learn from and "
            f"a part to judge on; give at least {_SHORTEST}, better 100,000 or more"
        )
    aim = int(len(text) * _SHARE)
    for border in ("\n\n", "\n", " "):
        cut = text.rfind(border, len(text) // 2, aim) + len(border)
        if cut >= len(text) // 2 and text[cut:].strip():
            break
    else:
        cut = aim
    return Corpus(name, text[:cut], text[cut:])
