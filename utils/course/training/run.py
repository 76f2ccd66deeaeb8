"""What `course train` does: text to tokens, tokens to a model, and a folder with all of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path

import torch
from torch import nn

from utils.course.training.card import card_of, held_out_scores, validation_loss
from utils.course.training.choosing import choose
from utils.course.training.folder import CONFIG, beginning, is_foreign, settle, write_json
from utils.course.training.lock import locked
from utils.course.training.preparing import open_text, prepare
from utils.course.training.settings import STORIES, Settings, Text
from utils.course.training.starting import first_model, put_back
from utils.course.training.watching import Best, GoesOn, RecallLog
from utils.llm.gpt.card import write_card
from utils.llm.gpt.config import GPTConfig
from utils.llm.gpt.model import GPT
from utils.llm.training import distributed
from utils.llm.training.callbacks import Callback, CSVLog, Progress, TensorBoard, time_left
from utils.llm.training.loop import History, TrainingError, train
from utils.llm.tuning.lora import save_lora

EXPECTED = (TrainingError, ValueError, OSError, ImportError, KeyboardInterrupt, MemoryError)
SHARED = (TrainingError, ValueError, KeyboardInterrupt)  # come to all processes of a training alike
#: What a training that goes on may be told anew: nothing of it changes what was learned so far.
_FREE = {
    *("device", "tensorboard", "compile", "evaluate_every", "snapshot_every", "half", "patience"),
    *("steps", "learning_rate", "warm_up", "min_rate"),
}
_LONG = 10**8  # bytes: of what is chosen by size, nothing is refused then


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
    if resume and fresh:
        raise ValueError("--resume goes on, --fresh begins anew: give one of the two.")
    if not (resume and (folder / CONFIG).is_file()):
        _check(settings, folder)
    with distributed.process_group(settings.device) as device:
        team = distributed.team()
        if settings.fsdp and team.size < 2:
            raise ValueError("FSDP deals the weights out over processes; start with torchrun.")
        with locked(folder) if team.leads else contextlib.nullcontext():
            if team.leads:
                settle(folder)
            team.wait()
            kept = _kept(folder, resume, fresh)
            if kept:
                settings = _continued(settings, kept, explicit or set())
            team.wait()  # all have read before one writes
            if team.leads and not kept:
                with beginning(folder) as place:
                    prepare(settings, place, device, before=_read(folder).get("run", ""))
            team.wait()
            begun = _read(folder)
            return _train(settings if kept else _settings_of(begun), folder, begun["run"], device)


def _check(settings: Settings, folder: Path) -> None:
    """Complain of what is wrong whatever the text is, before anything is made."""
    choose(settings, _LONG).train_config()
    if settings.preset:
        GPTConfig.preset(settings.preset)
    if settings.lora and not settings.start:
        raise ValueError("--lora learns beside a model: name one with --from, as smollm2.")
    if settings.start and settings.preset:
        raise ValueError(f"{settings.start} has its sizes: leave out --preset.")
    if settings.tensorboard:
        TensorBoard(folder)


def _kept(folder: Path, resume: bool, fresh: bool) -> Mapping[str, object] | None:
    """The config.json to go on from; None where a run begins. ValueError where that is unsafe."""
    found = _read(folder)
    if is_foreign(found):
        raise ValueError(
            f"{folder} holds a {CONFIG} that no training of ours left: name another folder."
        )
    begun = any((folder / name).is_file() for name in ("snapshot.pt", "model.safetensors"))
    if begun and not resume and not fresh:
        raise ValueError(
            f"{folder} holds a training already: --resume goes on with it, --fresh begins anew, "
            "--out names another folder."
        )
    if resume and found and "run" not in found:
        raise ValueError(f"{folder} was left by another version: begin anew with --fresh.")
    return found if resume and found else None


def _read(folder: Path) -> dict[str, object]:
    """The config.json of a folder; empty where there is none."""
    path = folder / CONFIG
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it holds no object")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} can't be read ({error}): name another folder.") from error
    return found


def _settings_of(kept: Mapping[str, object]) -> Settings:
    try:
        return Settings(**{name: value for name, value in kept.items() if name != "run"})
    except TypeError as error:
        raise ValueError(f"{CONFIG} can't be read ({error}); begin anew with --fresh.") from error


def _continued(settings: Settings, kept: Mapping[str, object], explicit: set[str]) -> Settings:
    """The settings of a run that goes on, with what may be told anew. Says what changes."""
    before = _settings_of(kept)
    given = explicit & {f.name for f in fields(Settings)}
    for name in sorted(given - _FREE):
        if getattr(settings, name) != getattr(before, name):
            raise ValueError(
                f"This training was begun with {name} {getattr(before, name)!r}, not "
                f"{getattr(settings, name)!r}: leave that out to go on, or begin anew with --fresh."
            )
    changes = {name: getattr(settings, name) for name in given & _FREE}
    changed = Settings(**{**asdict(before), **changes})
    changed.train_config()  # complains before it is written down
    return changed


def _train(settings: Settings, folder: Path, run: str, device: torch.device) -> int:
    team, text = distributed.team(), open_text(settings, folder)
    model = first_model(settings, text)
    model.tokenizer = text.tokenizer
    model.to(device)
    if settings.fsdp:
        distributed.shard(model)
    snapshot = folder / "snapshot.pt"
    resume = snapshot.is_file()
    if team.leads:
        where = f"{team.size} processes" if team.size > 1 else str(device)
        name = settings.start or settings.preset
        print(f"{name}: {_learning(model)}, {where}", flush=True)
        if settings.start and not resume and not settings.fsdp:
            before = validation_loss(model, text, settings) * text.scales[1]
            print(f"before it learns: validation {before:.3f} {text.unit}", flush=True)
    history = train(
        model,
        text.train_ids,
        text.val_ids,
        settings.train_config(),
        _callbacks(settings, text, folder, run) if team.leads else [],
        snapshot=snapshot,
        resume=resume,
        run=run,
    )
    finish(model, history, text, settings, folder, run)
    return 130 if history.stopped == "interrupted" else 0


def _learning(model: GPT) -> str:
    """How many parameters there are, and how many learn."""
    learn = sum(p.numel() for p in model.parameters() if p.requires_grad)
    total = sum(p.numel() for p in model.parameters())
    return f"{total:,} parameters" + (f", {learn:,} of them learn" if learn < total else "")


def weights_of(settings: Settings, folder: Path) -> Path:
    """Where what was learned is kept."""
    return folder / ("adapter.safetensors" if settings.lora else "model.safetensors")


def save(model: nn.Module, settings: Settings, text: Text, folder: Path) -> None:
    """Write what was learned: the weights, or what LoRA learned beside them."""
    path, dtype = weights_of(settings, folder), torch.float16 if settings.half else None
    if settings.lora:
        save_lora(model, path, dtype or torch.float32, base=text.start)
    else:
        model.save(path, dtype=dtype)


def _callbacks(settings: Settings, text: Text, folder: Path, run: str) -> list[Callback]:
    config = {"run": run, **asdict(settings)}
    found: list[Callback] = [
        GoesOn(lambda: write_json(folder / CONFIG, config)),
        Progress(unit=text.unit, scales=text.scales),
        CSVLog(folder / "log.csv"),
    ]
    if not settings.fsdp:
        kept = weights_of(settings, folder)
        keep = partial(save, settings=settings, text=text, folder=folder)
        found.append(Best(keep, kept, settings.patience or 0, text.unit, text.scales))
    if settings.tensorboard:
        found.append(TensorBoard(folder / "tensorboard"))
    if settings.corpus == STORIES and not settings.fsdp:
        found.append(RecallLog(folder / "recall.json", settings.steps))
    return found


def finish(
    model: GPT, history: History, text: Text, settings: Settings, folder: Path, run: str
) -> None:
    """Write the weights, the figure and the card, and say what came of it."""
    state = distributed.whole_weights(model)
    if not distributed.team().leads:
        return
    if settings.fsdp:
        config = model.config
        model = GPT(config)
        model.load_state_dict(state)
        model.tokenizer = text.tokenizer
    if settings.fsdp or not history.val_loss:
        save(model, settings, text, folder)
    else:
        put_back(model, weights_of(settings, folder), bool(settings.lora))
    if history.val_loss:
        from utils.course.training.figure import loss_figure

        loss_figure(history, text).save(folder / "loss.png")
    scores = held_out_scores(model, history, text, settings)
    write_card(folder, card_of(settings, history, text, scores, folder.name, run), model.config)
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
