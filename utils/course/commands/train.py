"""`course train`: the words of the command, and how it takes what goes wrong."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer


def train(
    context: typer.Context,
    corpus: Annotated[
        str, typer.Option(help="stories, python-docs, shakespeare, or a text file or folder.")
    ] = "stories",
    start: Annotated[
        str,
        typer.Option("--from", help="Begin with a model: a name, a folder, a .gguf file."),
    ] = "",
    use_lora: Annotated[
        bool, typer.Option("--lora", help="Leave that model as it is; learn small matrices beside.")
    ] = False,
    rank: Annotated[int, typer.Option(help="Of LoRA's matrices.")] = 8,
    preset: Annotated[
        str | None,
        typer.Option(
            help="The model's sizes: story-tiny … story-large, gpt2 … gpt2-xl. Without it, sizes "
            "and all below that has no default are chosen by the size of the text."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The folder for all of it; else runs/CORPUS."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="How many times the weights change.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Windows a step learns from.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="At its peak.")] = None,
    warm_up: Annotated[int | None, typer.Option(help="Steps; else a tenth, at most 100.")] = None,
    min_rate: Annotated[float, typer.Option(help="Learning rate at the end.")] = 0.0,
    weight_decay: Annotated[float | None, typer.Option(help="Of matrices.")] = None,
    accumulation: Annotated[int, typer.Option(help="Parts a batch is computed in.")] = 1,
    vocab_size: Annotated[
        int | None, typer.Option(help="Tokens of the byte-pair encoding; stories have words.")
    ] = None,
    context_length: Annotated[
        int | None, typer.Option("--context", help="Tokens read at once.")
    ] = None,
    n_layers: Annotated[int | None, typer.Option("--layers", help="Blocks.")] = None,
    n_heads: Annotated[int | None, typer.Option("--heads", help="Of each block.")] = None,
    d_model: Annotated[int | None, typer.Option("--width", help="Columns of a token.")] = None,
    positions: Annotated[str | None, typer.Option(help="learned, rotary or none.")] = None,
    tied: Annotated[
        bool | None, typer.Option("--tied/--own-head", help="Read out by the embedding's matrix.")
    ] = None,
    dropout: Annotated[float | None, typer.Option(help="Against learning by heart.")] = None,
    n_stories: Annotated[
        int, typer.Option("--stories", help="How many stories to write for the corpus stories.")
    ] = 10_000,
    patience: Annotated[
        int | None,
        typer.Option(help="Looks without a better one that end the training; 0 means never."),
    ] = None,
    precision: Annotated[str | None, typer.Option(help="float32, bfloat16 or auto.")] = None,
    compile: Annotated[bool, typer.Option("--compile", help="Use torch.compile.")] = False,
    fsdp: Annotated[
        bool, typer.Option("--fsdp", help="Under torchrun, deal the weights out.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    evaluate_every: Annotated[int | None, typer.Option(help="Steps between two looks.")] = None,
    snapshot_every: Annotated[int, typer.Option(help="Steps between two checkpoints.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed, the same model.")] = 0,
    half: Annotated[bool, typer.Option("--half", help="Save the weights as float16.")] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Log for TensorBoard.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on where a training in this folder stopped, or longer."),
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, even where the folder holds a training.")
    ] = False,
) -> None:
    """Train a GPT on a text of your own, or on one of the course's.

    Leaves a folder with the best weights, the tokenizer, the settings, a log and a figure of the
    loss. --resume goes on after whatever has happened, and with --steps for longer.
    On several devices:

    \b
    torchrun --standalone --nproc-per-node 2 -m utils.course.cli train --corpus stories
    """
    from utils.course.training import run as train_run
    from utils.course.training.settings import Settings

    given = dict(context.params)
    sources = {name: context.get_parameter_source(name) for name in given}
    # by name: typer brings a copy of click of its own, or not, from version to version
    explicit = {name for name, source in sources.items() if source and source.name != "DEFAULT"}
    given["lora"] = rank if use_lora else 0
    if explicit & {"use_lora", "rank"}:
        explicit.add("lora")
    settings = Settings(**{f.name: given[f.name] for f in fields(Settings)})
    folder = out or Path("runs") / "-".join(filter(None, (Path(corpus).name or "text", preset)))
    process = int(os.environ.get("RANK", "0"))
    try:
        status = train_run.run(settings, folder, resume=resume, fresh=fresh, explicit=explicit)
    except train_run.EXPECTED as error:
        status = train_run.status_of(error)
        if process == 0 or not isinstance(error, train_run.SHARED):
            say(error, process)
    except RuntimeError as error:
        if process == 0 and "allocate" not in str(error) and "out of memory" not in str(error):
            raise
        status = 1
        say(error, process)
    raise typer.Exit(status)  # a RuntimeError too: not where one would be caught


def say(error: BaseException, rank: int) -> None:
    """One line on what went wrong, and in which of several processes."""
    who = f"process {rank}: " if rank else ""
    typer.echo(f"course: {who}{one_line(error)}", err=True)


def one_line(error: BaseException) -> str:
    """What an error says, in one line."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; with --resume it goes on from the last checkpoint, if there is one."
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}."
    return " ".join(str(error).split())
