"""Train the small model of today's architecture, which stands in where no real one was fetched.

python -m utils.data.storyworld.make_modern [--steps 600] [--out FILE]

It writes utils/data/checkpoints/stories-modern.safetensors; some three minutes on one thread.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from utils.data.storyworld import world as storyworld
from utils.data.storyworld.make_checkpoint import settings
from utils.data.storyworld.model import fresh_story_model
from utils.data.storyworld.scores import bits_per_word, true_bits_per_word
from utils.data.storyworld.tokens import stream
from utils.llm.gpt.checkpoints import SHIPPED
from utils.llm.gpt.config import GPTConfig
from utils.llm.training.loop import train

__all__ = ["CONFIG"]

# SmolLM2's choices, three queries to a key among them, in a width for stories.
CONFIG = GPTConfig(
    369,
    160,
    n_layers=3,
    n_heads=6,
    d_model=96,
    n_kv_heads=2,
    d_hidden=256,
    norm="rmsnorm",
    positions="rotary",
    activation="swiglu",
    bias=False,
)


def main() -> None:
    """Train, judge, and write the model."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=600)
    options.add_argument("--out", type=Path, default=SHIPPED / "stories-modern.safetensors")
    given = options.parse_args()
    model, held_out = fresh_story_model(CONFIG), storyworld.stories(100, seed=2)
    ids = stream(storyworld.stories(given.steps * 32, seed=0))
    train(model, ids, None, settings(given.steps))
    model.save(given.out, tokenizer="stories", dtype=torch.float16)
    found, floor = bits_per_word(model, held_out), true_bits_per_word(held_out)
    print(f"{found:.3f} bits a word, the floor is {floor:.3f}")


if __name__ == "__main__":
    main()
