"""Settings by the size of the text, found by trying, and what may be hoped for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from utils.course.training.settings import STORIES, Settings
from utils.llm.gpt.config import GPTConfig

__all__ = ["choose", "told"]

#: Where a preset is named: its sizes, and GPT-2's ways.
_PLAIN = {
    **{"steps": 1000, "batch_size": 32, "learning_rate": 2e-3, "weight_decay": 0.1},
    **{"vocab_size": 1024, "positions": "learned", "dropout": 0.0, "evaluate_every": 100},
}
#: Chapter 07's for the story world: small, for all of a story at once.
_STORIES = {
    **{"n_layers": 2, "n_heads": 4, "d_model": 96, "context_length": 128, "dropout": 0.0},
    **{"steps": 800, "batch_size": 16, "learning_rate": 6e-3, "warm_up": 20},
    **{"weight_decay": 0.01, "vocab_size": 369, "precision": "float32"},
}
# For texts of up to so many kB. A short one is soon known by heart: a narrow model, and dropout.
_NAMES = (
    *("n_layers", "n_heads", "d_model", "context_length", "vocab_size"),
    *("dropout", "steps", "batch_size", "learning_rate"),
)
_BY_SIZE = {
    20: (2, 2, 64, 64, 320, 0.3, 300, 16, 4e-3),
    100: (2, 4, 96, 96, 512, 0.3, 600, 16, 4e-3),
    400: (3, 4, 128, 128, 768, 0.2, 1000, 16, 3e-3),
    2_000: (4, 4, 160, 128, 1024, 0.1, 1600, 16, 3e-3),
    10_000: (4, 6, 192, 192, 2048, 0.05, 3000, 16, 2e-3),
    100_000: (6, 8, 256, 256, 4096, 0.0, 6000, 16, 1.5e-3),
}
_HOPES = {
    20: "common words, the look of the lines, and much of it by heart",
    100: "words and short phrases; sentences that wander",
    400: "sentences that look right from afar and mean little",
    2_000: "sentences in the manner of the text, its names and terms in their places",
    10_000: "fluent passages in the manner of the text, with facts mixed up",
    100_000: "fluent passages, after hours: a graphics card helps",
}
#: Beginning from a model that knows language already: small steps.
_FROM = {
    **{"steps": 200, "batch_size": 4, "learning_rate": 3e-4, "weight_decay": 0.0, "dropout": 0.0},
    **{"context_length": 128, "vocab_size": 0, "warm_up": 10},
}
_LORA = {**_FROM, "steps": 60, "learning_rate": 2e-3}
_LOOKS = 20  # at the validation part, on the way
_PATIENCE = 5  # of them without a better one


def choose(settings: Settings, n_bytes: int) -> Settings:
    """Fill in what was not given, for a text of that size."""
    chosen = {"patience": _PATIENCE, "precision": "auto", **_usual(settings, n_bytes)}
    if settings.corpus == STORIES:
        chosen["patience"] = 0  # there are always more stories: nothing is learned by heart
    for name in chosen:
        if (given := getattr(settings, name)) is not None:
            chosen[name] = given
    if settings.warm_up is None and "warm_up" in chosen:
        chosen["warm_up"] = min(chosen["warm_up"], chosen["steps"])
    if settings.evaluate_every is None:
        chosen.setdefault("evaluate_every", max(1, chosen["steps"] // _LOOKS))
    return replace(settings, **chosen)


def _usual(settings: Settings, n_bytes: int) -> dict[str, Any]:
    if settings.start:
        return dict(_LORA if settings.lora else _FROM)
    if settings.preset:
        return dict(_PLAIN)
    recipe = _STORIES if settings.corpus == STORIES else _of_size(n_bytes)
    return {**recipe, "positions": "rotary", "tied": False, "preset": "story"}


def _of_size(n_bytes: int) -> dict[str, Any]:
    return {**dict(zip(_NAMES, _BY_SIZE[_row(n_bytes)], strict=True)), "weight_decay": 0.1}


def _row(n_bytes: int) -> int:
    return next((kb for kb in _BY_SIZE if n_bytes <= 1000 * kb), max(_BY_SIZE))


def told(settings: Settings, config: GPTConfig, n_bytes: int) -> Iterator[str]:
    """What was chosen for the text, and what may be hoped for, in words."""
    size = f"{n_bytes / 1e3:,.0f} kB" if n_bytes < 1e6 else f"{n_bytes / 1e6:,.1f} MB"
    model = f"{config.n_layers} layers, {config.n_heads} heads, width {config.d_model}"
    if settings.start:
        how = f"LoRA of rank {settings.lora} beside it" if settings.lora else "all of it learns"
        model = f"{settings.start}, {how}"
    yield (
        f"for {size} of text: {model}, dropout {settings.dropout:g}; {settings.steps:,} steps of "
        f"{settings.batch_size} × {settings.context_length or config.context_length} tokens, rate "
        f"{settings.learning_rate:g}"
    )
    if settings.start:
        yield "to be hoped for: what it knew, in the manner of the text; too long, and it forgets"
    elif settings.corpus == STORIES:
        yield "to be hoped for: stories of the world, most of them possible, near its floor"
    else:
        yield f"to be hoped for: {_HOPES[_row(n_bytes)]}"
