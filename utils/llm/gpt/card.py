"""A model card: what whoever finds the weights must know before using them (Mitchell et al. 2019).

It lies beside the weights as README.md, where people and Hugging Face look for it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from utils.llm.gpt import counts
from utils.llm.gpt.config import GPTConfig
from utils.llm.machine.files import replacing

__all__ = ["ModelCard", "write_card"]

UNTOLD = "Nobody has said. Find out before you rely on it."
_HEAD = "---\nlibrary_name: transformers\npipeline_tag: text-generation\n---\n\n"


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model. `scores` maps what was measured, and on what, to the result.

    >>> card = ModelCard("stories", data="60,000 stories of a small world.",
    ...     scores={"bits per word, held-out stories": 0.456}, limits=["It knows 368 words."])
    >>> print(card.markdown().splitlines()[0])
    # stories
    """

    name: str
    data: str = ""
    recipe: Mapping[str, object] = field(default_factory=dict)
    scores: Mapping[str, object] = field(default_factory=dict)
    limits: Sequence[str] = ()
    command: str = ""

    def markdown(self, config: GPTConfig | None = None, *, for_hub: bool = False) -> str:
        """The card as Markdown, with the sizes of a model of that configuration.

        A card for Hugging Face begins with the few lines that its pages are sorted by.
        """
        recipe = _table("setting", "value", self.recipe) if self.recipe else ""
        made = f"\n\n```\n{self.command}\n```" if self.command else ""
        limits = "\n".join(f"- {limit}" for limit in self.limits)
        parts = {
            "The model": _sizes(config) if config else "",
            "Data": self.data or UNTOLD,
            "Recipe": (recipe + made).strip() or UNTOLD,
            "Scores": _table("measured", "result", self.scores) if self.scores else UNTOLD,
            "Limits": limits or UNTOLD,
        }
        told = [f"## {title}\n\n{text}\n" for title, text in parts.items() if text]
        return "\n".join([(_HEAD if for_hub else "") + f"# {self.name}\n", *told])


def write_card(
    folder: str | os.PathLike[str],
    card: ModelCard,
    config: GPTConfig | None = None,
    *,
    for_hub: bool = False,
) -> Path:
    """Write the card as README.md into the folder of the weights; returns its path."""
    path = Path(folder) / "README.md"
    with replacing(path) as file:
        file.write(card.markdown(config, for_hub=for_hub).encode())
    return path


def _sizes(config: GPTConfig) -> str:
    rows = {
        "parameters": f"{sum(counts.parameter_table(config).values()):,}",
        "layers": config.n_layers,
        "heads a layer": config.n_heads,
        "width": config.d_model,
        "tokens known": f"{config.vocab_size:,}",
        "tokens read at once": f"{config.context_length:,}",
        "positions": config.positions,
        "normalisation": f"{config.norm}, {config.norm_position}-norm",
    }
    return "A GPT: it continues a text, token by token.\n\n" + _table("size", "", rows)


def _table(left: str, right: str, rows: Mapping[str, object]) -> str:
    lines = [f"| {left} | {right} |", "|---|---|"]
    lines += [f"| {_cell(name)} | {_cell(value)} |" for name, value in rows.items()]
    return "\n".join(lines)


def _cell(value: object) -> str:
    """A value inside a row: no bar and no line break may end it early."""
    return " ".join(str(value).replace("|", "\\|").split())
