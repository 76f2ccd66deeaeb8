"""A model on disk: numbers and a description, and nothing that could run.

The format is safetensors. One entry of its metadata, `KEY`, is JSON: the model's configuration and
the name of its tokenizer. Another, `CHECKSUM`, tells a bit that has flipped, in numbers or words.
"""

import errno
import json
import os
import re
import struct
import warnings
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from utils.llm.machine.files import replacing_path

__all__ = [
    "SHIPPED",
    "Checkpoint",
    "check_beside",
    "check_tensors",
    "find",
    "has_checksum",
    "marks_beside",
    "read",
    "read_tensors",
    "say_unchecked",
    "shipped",
    "write_tensors",
]

KEY, CHECKSUM = "gpt-by-building", "gpt-by-building.checksum"
BESIDE = "gpt-by-building.beside"  # checksums of the JSON files that belong to the weights
SHIPPED = Path(__file__).resolve().parents[2] / "data" / "checkpoints"
DTYPES = (torch.float32, torch.float16, torch.bfloat16)


class Checkpoint(NamedTuple):
    """What a file holds: the tensors by name, the configuration's fields, the tokenizer's name."""

    tensors: dict[str, Tensor]
    config: dict[str, Any]
    tokenizer: str


def shipped() -> list[str]:
    """The names of the models that come with the course."""
    return sorted(path.stem for path in SHIPPED.glob("*.safetensors"))


def find(path_or_name: str | os.PathLike[str]) -> Path:
    """The file of that path, or of a shipped model of that name.

    Raises FileNotFoundError, saying what there is, or ValueError for a folder.
    """
    path = Path(path_or_name)
    if path.is_file():
        return path
    known = shipped()
    if str(path_or_name) in known:
        return SHIPPED / f"{path_or_name}.safetensors"
    if path.is_dir():
        raise ValueError(
            f"{path} is a folder: GPT.load opens one file that GPT.save wrote. A folder in the "
            "format of Hugging Face is opened by GPT.from_hf."
        )
    names = f"one of {', '.join(map(repr, known))}" if known else "which has none yet"
    raise FileNotFoundError(
        f"There is no file {path}, and no model of that name comes with the course ({names}). "
        f"This folder is {Path.cwd()}."
    )


def write(path: str | os.PathLike[str], checkpoint: Checkpoint, dtype: torch.dtype | None) -> None:
    """Put a checkpoint on disk, its numbers as `dtype`, whole or not at all.

    Raises ValueError for a dtype that is not one of DTYPES, or too narrow for the numbers.
    """
    if dtype is not None and dtype not in DTYPES:
        raise ValueError(f"dtype is {dtype}: give one of {', '.join(map(str, DTYPES))}.")
    tensors = {name: _as(dtype, name, tensor) for name, tensor in checkpoint.tensors.items()}
    described = {"config": checkpoint.config, "tokenizer": checkpoint.tokenizer}
    write_tensors(Path(path), tensors, {KEY: json.dumps(described)})


def _as(dtype: torch.dtype | None, name: str, tensor: Tensor) -> Tensor:
    narrow = tensor.detach().to(dtype=dtype or tensor.dtype, device="cpu").contiguous()
    if dtype is not None and narrow.isinf().any() and not tensor.isinf().any():
        raise ValueError(f"{name} has numbers too large for {dtype}: save it as bfloat16.")
    return narrow


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file, whole or not at all, with a checksum.

    Raises ValueError where `path` is no place for a file, OSError where it can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = metadata | {CHECKSUM: _checksum(tensors, metadata)}
    with replacing_path(path) as partial:
        try:
            save_file(tensors, partial, metadata)
            _sort_metadata(partial)
        except SafetensorError as error:  # holds what the system said as text: "(os error 28)"
            number = re.search(r"os error (\d+)", str(error))
            code = int(number[1]) if number else errno.EIO
            raise OSError(code, os.strerror(code), str(path)) from error


def _checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """CRC-32 of all numbers and words; of 500 MB in a quarter of a second."""
    words = {name: text for name, text in metadata.items() if name != CHECKSUM}
    found = zlib.crc32(json.dumps(words, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        found = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), found)
        numbers = tensor.detach().cpu().contiguous().reshape(-1)
        found = zlib.crc32(numbers.view(torch.uint8).numpy().data, found)
    return f"crc32 {found:08x}"


def marks_beside(folder: Path, names: Iterable[str]) -> str:
    """Checksums of what those JSON files hold, as far as they are there."""
    there = [folder / name for name in names if (folder / name).is_file()]
    return json.dumps({path.name: _mark(path) for path in there}, sort_keys=True)


def check_beside(folder: Path, metadata: Mapping[str, str]) -> None:
    """Raises ValueError where a file beside the weights is another than they were written with."""
    try:
        marks = dict(json.loads(metadata.get(BESIDE, "{}")))
        changed = [name for name, mark in marks.items() if _mark(folder / name) != mark]
    except (OSError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{folder}: what belongs to the weights can't be read: {error}") from error
    if changed:
        raise ValueError(
            f"{folder / changed[0]} is damaged, or was changed after the weights beside it were "
            "written: export the model anew."
        )


def _mark(path: Path) -> int:
    """Of the content: line ends and blanks don't count."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())


def _sort_metadata(path: Path) -> None:
    """In place: safetensors writes the entries in an order that changes from run to run."""
    with path.open("r+b") as file:
        size = _header_size(file.read(8))
        header = json.loads(file.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        if len(text) <= size:
            file.seek(8)
            file.write(text.ljust(size))


def _header_size(start: bytes) -> int:
    return struct.unpack("<Q", start)[0]


def has_checksum(path: Path) -> bool:
    """Whether a safetensors file can be told from one that has changed since it was written."""
    with path.open("rb") as file:
        size = _header_size(file.read(8))
        return f'"{CHECKSUM}"'.encode() in file.read(min(size, 1 << 27))


def say_unchecked(path: Path) -> None:
    """Warn of a file from elsewhere, whose numbers can't be held against anything."""
    if not has_checksum(path):
        warnings.warn(
            f"{path} was written elsewhere, without a checksum of this course: a bit that has "
            "flipped in it can't be noticed.",
            stacklevel=4,
        )


def read(path_or_name: str | os.PathLike[str]) -> Checkpoint:
    """The checkpoint at a path, or of a shipped name, its numbers as float32.

    Raises FileNotFoundError where there is none, and ValueError for a file that is cut, or that
    `write` did not write.
    """
    path = find(path_or_name)
    tensors, metadata = read_tensors(path)
    try:
        described = json.loads(metadata[KEY])
        config, tokenizer = dict(described["config"]), str(described["tokenizer"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is a safetensors file, but GPT.save did not write it: there is no readable "
            f"entry {KEY!r} with a configuration in its metadata. Weights of Hugging Face's GPT-2 "
            "are read by GPT.from_hf, which takes their folder."
        ) from error
    return Checkpoint(tensors, config, tokenizer)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a safetensors file, as float32 in memory of their own, and its metadata.

    Raises FileNotFoundError where there is none, and ValueError for a file that is no safetensors
    file or not a whole one, that was changed after `write_tensors` wrote it, or that holds
    infinities or what is no number.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(_damage(path, error)) from error
    if CHECKSUM in metadata and metadata[CHECKSUM] != _checksum(tensors, metadata):
        raise ValueError(
            f"{path} is damaged: its checksum says that it was changed after it was written. Copy "
            "or download it again, or save the model anew."
        )
    for name, tensor in tensors.items():
        tensors[name] = _as_numbers(f"{path}: {name}", tensor)
    return tensors, metadata


def _as_numbers(name: str, tensor: Tensor) -> Tensor:
    """As float32 in memory of its own, which lets go of the file."""
    if not tensor.is_floating_point():
        raise ValueError(f"{name} is {tensor.dtype}, and weights are floating numbers.")
    numbers = tensor.to(torch.float32, copy=True)
    # The sum is quick to see, but it can be too large where no number is.
    if not numbers.sum().isfinite() and not (sound := numbers.isfinite()).all():
        raise ValueError(
            f"{name} holds infinities or what is no number, {int((~sound).sum()):,} of "
            f"{sound.numel():,}: the training diverged, or the file is damaged."
        )
    return numbers


def _damage(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        start, size = file.read(9), path.stat().st_size
    if start[8:] == b"{":
        return (
            f"{path} is cut or damaged ({size:,} bytes; {error}): copy or download it again, or "
            "save the model anew."
        )
    return (
        f"{path} is not a safetensors file ({size:,} bytes; {error}). Other formats, as PyTorch's "
        "own .pt and .bin, can hold programs and are not opened; save the model by GPT.save."
    )


def check_tensors(
    found: Mapping[str, Tensor], expected: Mapping[str, Tensor], origin: object
) -> None:
    """Raises ValueError, naming the first, where names or shapes are not those expected."""
    missing = [name for name in expected if name not in found]
    strange = [name for name in found if name not in expected]
    if missing or strange:
        parts = [f"without {missing[0]}"] if missing else []
        parts += [f"with {strange[0]}, which such a model does not have"] if strange else []
        raise ValueError(
            f"{origin}: the weights don't fit the configuration. They come {' and '.join(parts)} "
            f"({len(missing)} missing, {len(strange)} too many)."
        )
    for name, tensor in found.items():
        if tensor.shape != expected[name].shape:
            raise ValueError(
                f"{origin}: the weights don't fit the configuration. {name} has the shape "
                f"{tuple(tensor.shape)}, and {tuple(expected[name].shape)} was expected."
            )
