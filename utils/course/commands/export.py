"""`course export`: the words of the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    model: Annotated[str, typer.Argument(help="What `course chat --model` takes.")],
    gguf: Annotated[Path | None, typer.Option(help="The file to write, for llama.cpp.")] = None,
    hf: Annotated[Path | None, typer.Option(help="The folder, for transformers.")] = None,
    kind: Annotated[
        str, typer.Option(help="How the GGUF file keeps matrices: F32, F16 or Q8_0.")
    ] = "F16",
    force: Annotated[
        bool, typer.Option("--force", help="Replace what an export left there before.")
    ] = False,
) -> None:
    """Write a model so that other programs run it: weights, tokenizer and frame.

    \b
    course export runs/my_notes-story --gguf my_notes.gguf
    course export stories --gguf stories.gguf --kind Q8_0
    course export smollm2 --hf smollm2-folder
    """
    from utils.course.commands.opening import leaving_with_one_line, opened_or_leave

    with leaving_with_one_line():
        if gguf is None and hf is None:
            raise ValueError("say where to: --gguf FILE, --hf FOLDER, or both.")
        for target, is_ours in ((gguf, _is_gguf), (hf, _is_export)):
            if target is not None:
                _check_free(target, is_ours(target), force)
    opened = opened_or_leave(model)
    from utils.data.texts.exporting import export_gguf, export_hf

    with leaving_with_one_line():
        if gguf is not None:
            export_gguf(opened, gguf, kind.upper())
            typer.echo(f"{gguf}: {gguf.stat().st_size / 1e6:,.1f} MB, for llama.cpp")
        if hf is not None:
            export_hf(opened, hf)
            size = sum(path.stat().st_size for path in hf.iterdir() if path.is_file())
            typer.echo(f"{hf}: {size / 1e6:,.1f} MB, for transformers")


def _check_free(target: Path, is_ours: bool, force: bool) -> None:
    """Raises ValueError where something stands that is not to be replaced."""
    empty = target.is_dir() and not any(target.iterdir())
    if not (target.exists() or target.is_symlink()) or empty:
        return
    if not is_ours:
        raise ValueError(f"{target} exists and is no export of this kind: give another name.")
    if not force:
        raise ValueError(f"{target} exists: --force replaces it, or give another name.")


def _is_gguf(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"GGUF"


def _is_export(folder: Path) -> bool:
    from utils.llm.gpt.hf import WRITTEN

    return folder.is_dir() and {path.name for path in folder.iterdir()} <= set(WRITTEN)
