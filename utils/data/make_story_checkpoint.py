"""Train the story model again and write it to utils/data/checkpoints/stories.safetensors.

python -m utils.data.make_story_checkpoint [--steps 3500] [--out FILE]

Some 26 minutes on one quiet thread of a laptop; every 250 steps the model so far is written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from utils.data import storyworld
from utils.data.story_scores import bits_per_word, recall_accuracy, true_bits_per_word
from utils.data.story_tokens import END_ID, stream
from utils.llm.callbacks import Report
from utils.llm.checkpoints import SHIPPED
from utils.llm.gpt import GPT, GPTConfig
from utils.llm.training import TrainConfig, train

# Rotary positions learn distances at once, for all places. A story is 121 tokens at most: the
# rest of the context is for what later chapters put before it.
CONFIG = GPTConfig(369, 160, n_layers=3, n_heads=4, d_model=128, positions="rotary", tied=False)
STORIES, LONGEST = 60_000, 121


def fresh_model(seed: int = 0) -> GPT:
    """The model, its weights rolled larger than GPT-2's, which are meant for wider layers."""
    torch.manual_seed(seed)
    model = GPT(CONFIG)
    for weights in model.parameters():
        if weights.ndim == 2:
            torch.nn.init.normal_(weights, std=0.06)
    torch.nn.init.normal_(model.token_embedding.weight, std=0.3)
    return model


def settings(steps: int) -> TrainConfig:
    """The recipe: each step reads 32 whole stories."""
    return TrainConfig(
        steps=steps,
        batch_size=32,
        learning_rate=3e-3,
        warm_up=50,
        weight_decay=0.05,
        betas=(0.9, 0.99),
        start_token=END_ID,
        context_length=LONGEST,
    )


def main() -> None:
    """Train, tell bits per word against the floor, and write the model on the way."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=3500)
    options.add_argument("--out", type=Path, default=SHIPPED / "stories.safetensors")
    given = options.parse_args()
    model, held_out = fresh_model(), storyworld.stories(500, seed=2)
    floor = true_bits_per_word(held_out)

    def keep(report: Report) -> None:
        if report.step % 250 and report.step != given.steps:
            return
        model.save(given.out, tokenizer="stories", dtype=torch.float16)
        bits = bits_per_word(model, held_out)
        share = f"{100 * (bits / floor - 1):.2f} % above the floor"
        seconds = report.history.seconds
        print(f"step {report.step}: {bits:.4f} bits a word, {share}, {seconds:.0f} s", flush=True)

    ids = stream(storyworld.stories(STORIES, seed=0))
    train(model, ids, None, settings(given.steps), [keep])
    found = GPT.load(given.out)
    print({kind: round(share, 3) for kind, share in recall_accuracy(found, held_out).items()})
    print(f"{bits_per_word(found, held_out):.4f} bits a word as written; floor {floor:.4f}")


if __name__ == "__main__":
    main()
