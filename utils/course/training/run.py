"""What `course train` does: text to tokens, tokens to a model, and a folder with all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch

from utils.course.training.card import card_of, held_out_scores
from utils.course.training.settings import STORIES, VAL_STORIES, Settings, Text
from utils.data.storyworld import scores as story_scores
from utils.data.storyworld import tokens as story_tokens
from utils.data.storyworld import world as storyworld
from utils.data.texts.corpora import load_corpus
from utils.llm.gpt.card import write_card
from utils.llm.gpt.model import GPT
from utils.llm.machine.files import replacing
from utils.llm.tokenizer.bpe import load_encoding, save_encoding, train_bpe
from utils.llm.training import distributed
from utils.llm.training.batches import open_tokens, write_tokens
from utils.llm.training.callbacks import Callback, CSVLog, Progress, Report, TensorBoard, time_left
from utils.llm.training.loop import History, TrainingError, train

EXPECTED = (TrainingError, ValueError, OSError, ImportError, KeyboardInterrupt, MemoryError)
SHARED = (TrainingError, ValueError, KeyboardInterrupt)  # come to all processes of a training alike
_PIECE = 1 << 22  # characters tokenised in one go
_SCORED = 100  # stories on which recall is measured on the way


def status_of(error: BaseException) -> int:
    """What the shell is told: 1 where a training failed, 2 where it could not begin."""
    if isinstance(error, KeyboardInterrupt):
        return 130
    return 1 if isinstance(error, TrainingError | OSError | MemoryError) else 2


def run(
    settings: Settings,
    folder: Path,
    *,
    resume: bool = False,
    fresh: bool = False,
    explicit: set[str] | None = None,
) -> int:
    """Train as the settings say and leave everything in the folder. Returns the exit status.

    `explicit` names the settings that the user gave; the others come from the folder's own
    config.json when a training is resumed. Raises one of EXPECTED where it can't be done.
    """
    with distributed.process_group(settings.device) as device:
        team = distributed.team()
        settings = _settled(settings, folder, resume, fresh, explicit or set())
        settings.train_config()  # complains before anything is written
        settings.model_config(vocab_size=settings.vocab_size)
        if team.leads:
            folder.mkdir(parents=True, exist_ok=True)
            if fresh:
                (folder / "snapshot.pt").unlink(missing_ok=True)
            _write_json(folder / "config.json", asdict(settings))
            prepare(settings, folder, again=not resume)
        team.wait()
        return _train(settings, folder, device, resume=resume)


def _settled(
    settings: Settings, folder: Path, resume: bool, fresh: bool, explicit: set[str]
) -> Settings:
    """The settings that count: those given, or when resuming those of the folder."""
    kept = folder / "config.json"
    begun = (folder / "snapshot.pt").is_file()
    if begun and not resume and not fresh:
        raise ValueError(
            f"{folder} holds a training already: --resume goes on with it, --fresh begins anew, "
            "--out names another folder."
        )
    if not resume or not kept.is_file():
        return settings
    try:
        before = Settings(**json.loads(kept.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{kept} can't be read ({error}); begin anew with --fresh.") from error
    free = {"device", "tensorboard", "compile", "evaluate_every", "snapshot_every", "half"}
    for name in explicit & {f.name for f in fields(Settings)} - free:
        if getattr(settings, name) != getattr(before, name):
            raise ValueError(
                f"This training was begun with {name} {getattr(before, name)!r}, not "
                f"{getattr(settings, name)!r}: leave that out to go on, or begin anew with --fresh."
            )
    changes = {name: getattr(settings, name) for name in explicit & free}
    return Settings(**{**asdict(before), **changes})


def prepare(settings: Settings, folder: Path, again: bool = True) -> None:
    """Tokenise the corpus into the folder: tokenizer.json, train.npy and val.npy.

    Without `again`, a folder that has them all is left as it is.
    """
    names = ("train.npy", "val.npy", "tokenizer.json", "corpus.json")
    if not again and all((folder / name).is_file() for name in names):
        return
    print(f"Reading the corpus {settings.corpus} …", flush=True)
    if settings.corpus == STORIES:
        size, parts = len(story_tokens.VOCABULARY), _story_parts(settings)
        described = {"kind": "whole words", "words": list(story_tokens.VOCABULARY)}
        _write_json(folder / "tokenizer.json", described)
    else:
        corpus = load_corpus(settings.corpus)
        encoding = train_bpe(corpus.train, settings.vocab_size)
        save_encoding(encoding, folder / "tokenizer.json")
        size = encoding.n_vocab
        parts = {
            name: (encoding.encode_ordinary(piece) for piece in _pieces(getattr(corpus, name)))
            for name in ("train", "val")
        }
        parts["bytes"] = len(corpus.val.encode())
    for name in ("train", "val"):
        count = write_tokens(folder / f"{name}.npy", parts[name], size)
        print(f"{name}: {count:,} tokens of {size:,}", flush=True)
    _write_json(folder / "corpus.json", {"val_bytes": parts["bytes"]})


def _story_parts(settings: Settings) -> dict[str, Any]:
    train_stories = storyworld.stories(settings.n_stories, seed=0)
    val_stories = storyworld.stories(VAL_STORIES, seed=1)
    return {
        "train": [story_tokens.stream(train_stories)],
        "val": [story_tokens.stream(val_stories)],
        "bytes": sum(len(storyworld.prose(story).encode()) + 1 for story in val_stories),
    }


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces that end with a line, where there is one."""
    start = 0
    while start < len(text):
        end = min(len(text), start + _PIECE)
        if end < len(text):
            end = text.rfind("\n", start + 1, end) + 1 or end
        yield text[start:end]
        start = end


def open_text(settings: Settings, folder: Path) -> Text:
    """What `prepare` left in the folder."""
    if settings.corpus == STORIES:
        size, name = len(story_tokens.VOCABULARY), STORIES
    else:
        encoding = load_encoding(folder / "tokenizer.json")
        size, name = encoding.n_vocab, encoding.name
    described = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
    ids = (open_tokens(folder / f"{part}.npy") for part in ("train", "val"))
    return Text(*ids, size, name, described["val_bytes"])


def _train(settings: Settings, folder: Path, device: torch.device, *, resume: bool) -> int:
    text, team = open_text(settings, folder), distributed.team()
    torch.manual_seed(settings.seed)
    model = GPT(settings.model_config(text.vocab_size))
    model.tokenizer = text.tokenizer
    model.to(device)
    if settings.fsdp:
        distributed.shard(model)
    config = settings.train_config()
    snapshot = folder / "snapshot.pt"
    callbacks = _callbacks(settings, folder) if team.leads else []
    if team.leads:
        where = f"{team.size} processes" if team.size > 1 else str(device)
        print(f"{settings.preset}: {model.num_parameters():,} parameters, {where}", flush=True)
    history = train(
        model,
        text.train_ids,
        text.val_ids,
        config,
        callbacks,
        snapshot=snapshot,
        resume=resume and snapshot.is_file(),
    )
    finish(model, history, text, settings, folder)
    return 130 if history.stopped == "interrupted" else 0


def _callbacks(settings: Settings, folder: Path) -> list[Callback]:
    found: list[Callback] = [Progress(bits=settings.corpus == STORIES), CSVLog(folder / "log.csv")]
    if settings.tensorboard:
        found.append(TensorBoard(folder / "tensorboard"))
    if settings.corpus == STORIES and not settings.fsdp:
        found.append(RecallLog(folder / "recall.json", settings.steps))
    return found


def log_spaced(steps: int, count: int = 10) -> list[int]:
    """So many steps up to the last, each about the same multiple of the one before.

    >>> log_spaced(1000, 4)
    [10, 46, 215, 1000]
    """
    first = min(10, steps)
    ratio = (steps / first) ** (1 / max(1, count - 1))
    return sorted({min(steps, round(first * ratio**i)) for i in range(count)} | {steps})


class RecallLog(Callback):
    """Keeps, at some steps of a training on stories, what the model has learned to recall.

    The file is a JSON list: step, bits per word on held-out stories, and for each kind of recall
    the share of right guesses.
    """

    def __init__(self, path: Path, steps: int) -> None:
        self.path, self.at = path, set(log_spaced(steps))
        self.stories = storyworld.stories(_SCORED, seed=2)
        self.rows: list[dict[str, Any]] = []

    def on_start(self, report: Report) -> None:
        with suppress(OSError, ValueError):
            rows = json.loads(self.path.read_text(encoding="utf-8"))
            self.rows = [row for row in rows if row["step"] <= report.step]

    def on_step(self, report: Report) -> None:
        if report.step not in self.at:
            return
        bits = story_scores.bits_per_word(report.model, self.stories)
        recall = story_scores.recall_accuracy(report.model, self.stories)
        shares = {kind: round(share, 4) for kind, share in recall.items()}
        self.rows.append({"step": report.step, "bits_per_word": round(bits, 4), "recall": shares})
        try:
            _write_json(self.path, self.rows)
        except OSError as error:
            raise TrainingError(f"{self.path} can't be written: {error.strerror}.") from error


def finish(model: GPT, history: History, text: Text, settings: Settings, folder: Path) -> None:
    """Write the weights, the figure and the card, and say what came of it."""
    state = distributed.whole_weights(model)
    if not distributed.team().leads:
        return
    if settings.fsdp:
        config = model.config
        model = GPT(config)
        model.load_state_dict(state)
        model.tokenizer = text.tokenizer
    model.save(folder / "model.safetensors", dtype=torch.float16 if settings.half else None)
    if history.val_loss:
        from utils.course.training.figure import loss_figure

        loss_figure(history, settings.corpus == STORIES).save(folder / "loss.png")
    scores = held_out_scores(model, history, text, settings.corpus == STORIES)
    write_card(folder, card_of(settings, history, text, scores, folder.name), model.config)
    for line in summary(history, scores, folder):
        print(line, flush=True)


def summary(history: History, scores: Mapping[str, str], folder: Path) -> Iterator[str]:
    """What came of it, line by line."""
    steps, speed = len(history.losses), history.tokens_per_second
    spent = time_left(history.seconds)
    yield f"{steps:,} steps in {spent}, {speed:,.0f} tokens per second"
    if history.stopped:
        yield f"stopped early: {history.stopped}; course train --out {folder} --resume goes on"
    for measured, result in scores.items():
        yield f"{measured}: {result}"
    yield f"all of it is in {folder}: {_listed(sorted(p.name for p in folder.iterdir()))}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(name for name in names if not name.startswith("."))


def _write_json(path: Path, value: object) -> None:
    with replacing(path) as file:
        file.write((json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())
