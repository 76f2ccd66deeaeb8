"""What somebody enters for the challenge: a file of settings, and the steps that it can afford."""

from __future__ import annotations

import difflib
import runpy
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from utils.data.storyworld.tokens import END_ID, VOCABULARY
from utils.llm.gpt.config import GPTConfig
from utils.llm.gpt.counts import flops_per_token
from utils.llm.training.config import TrainConfig

#: Operations of all training steps together; forward, and backward at twice that.
BUDGET = 3 * 10**12
CONTEXT = 121  # the longest story, and the end mark before it
FEWEST_STEPS = 20

OF_MODEL = (
    "n_layers", "n_heads", "d_model", "n_kv_heads", "d_hidden", "dropout", "norm",
    "norm_position", "positions", "activation", "bias", "tied",
)  # fmt: skip
OF_TRAINING = (
    "batch_size", "learning_rate", "warm_up", "min_rate", "weight_decay", "betas", "clip", "seed",
)  # fmt: skip
MODEL = {"n_layers": 2, "n_heads": 4, "d_model": 96, "positions": "rotary", "tied": False}
TRAINING = {"batch_size": 16, "learning_rate": 6e-3, "weight_decay": 0.01}


@dataclass(frozen=True)
class Entry:
    """A model and a recipe under a name; the number of steps follows from the budget."""

    name: str
    model: GPTConfig
    training: TrainConfig
    chosen: dict[str, Any] = field(default_factory=dict)

    @property
    def operations(self) -> int:
        """What all its steps cost, at most BUDGET."""
        return self.training.steps * operations_per_step(self.model, self.training.batch_size)


def operations_per_step(model: GPTConfig, batch_size: int) -> int:
    """What a training step costs, on windows of the whole context."""
    return 3 * flops_per_token(model, CONTEXT) * batch_size * CONTEXT


def entry(name: str, **chosen: Any) -> Entry:
    """An entry of settings by their names; what isn't given is as in chapter 07's live run.

    Raises ValueError for an unknown setting, one that is no good, or too dear a step; TypeError
    for a value of the wrong kind.
    """
    known = (*OF_MODEL, *OF_TRAINING)
    for given in chosen:
        if given not in known:
            near = difflib.get_close_matches(given, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}."
            raise ValueError(f"there is no setting {given!r}; {hint}")
    sizes = MODEL | {key: chosen[key] for key in OF_MODEL if key in chosen}
    model = GPTConfig(vocab_size=len(VOCABULARY), context_length=CONTEXT, **sizes)
    recipe = TRAINING | {key: chosen[key] for key in OF_TRAINING if key in chosen}
    one = TrainConfig(steps=1, **(recipe | {"warm_up": 0}))  # says what is wrong with the rest
    cost = operations_per_step(model, one.batch_size)
    steps = BUDGET // cost
    if steps < FEWEST_STEPS:
        raise ValueError(
            f"one step of this model costs {cost:,} operations, so the budget of {BUDGET:,} is "
            f"{steps} steps; make the model or the batch smaller"
        )
    training = TrainConfig(
        steps=steps, context_length=CONTEXT, start_token=END_ID, evaluate_every=0, **recipe
    )
    return Entry(name, model, training, dict(chosen))


def read_entry(path: Path) -> Entry:
    """The entry that a Python file describes: its names are the settings, `name` whose they are.

    Names that begin with an underscore, modules and functions are the file's own business. Raises
    ValueError, in one sentence, for a file that doesn't run or settings that are no good.
    """
    try:
        told = runpy.run_path(str(path))
    except OSError:
        raise
    except SyntaxError as error:
        raise ValueError(f"{path.name}, line {error.lineno}: {error.msg}") from error
    except Exception as error:
        raise ValueError(f"{path.name} raised {type(error).__name__}: {error}") from error
    chosen = {
        key: value
        for key, value in told.items()
        if not key.startswith("_") and not isinstance(value, ModuleType) and not callable(value)
    }
    name = str(chosen.pop("name", path.stem)).strip()
    try:
        return entry(name, **chosen)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path.name}: {error}") from error
