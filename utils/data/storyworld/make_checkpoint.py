"""Train the story model again, watched: bits a word, and what it recalls, by steps.

python -m utils.data.storyworld.make_checkpoint [--steps 3500] [--out FOLDER]

It writes utils/data/checkpoints/stories.safetensors, and beside the other logs story_run.json, the
record that chapter 07 draws. Some three quarters of an hour on one thread.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from utils.data.storyworld import world as storyworld
from utils.data.storyworld.model import fresh_story_model
from utils.data.storyworld.scores import bits_per_word, recall_accuracy, true_bits_per_word
from utils.data.storyworld.tokens import END_ID, stream
from utils.llm.gpt.checkpoints import SHIPPED
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.training.callbacks import Report
from utils.llm.training.loop import TrainConfig, train

# Rotary positions learn distances at once, for all places. A story is 121 tokens at most: the
# rest of the context is for what later chapters put before it.
CONFIG = GPTConfig(369, 160, n_layers=3, n_heads=4, d_model=128, positions="rotary", tied=False)
STORIES, LONGEST, BATCH, POINTS = 60_000, 121, 32, 28


def settings(steps: int) -> TrainConfig:
    """The recipe: each step reads 32 whole stories."""
    return TrainConfig(
        steps=steps,
        batch_size=BATCH,
        learning_rate=3e-3,
        warm_up=min(50, steps // 2),
        weight_decay=0.05,
        betas=(0.9, 0.99),
        start_token=END_ID,
        context_length=LONGEST,
    )


def judged_steps(steps: int) -> set[int]:
    """Steps after which the model is judged, each the same multiple of the one before."""
    ratio = (steps / 5) ** (1 / (POINTS - 1))
    return {round(5 * ratio**i) for i in range(POINTS)} | {steps}


def main() -> None:
    """Train, judge on the way, and write the model and the record after every judgement."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=3500)
    options.add_argument("--out", type=Path, default=SHIPPED.parent)
    given = options.parse_args()
    weights = given.out / "checkpoints" / "stories.safetensors"
    log = given.out / "logs" / "story_run.json"
    model, held_out = fresh_story_model(CONFIG), storyworld.stories(300, seed=2)
    floor, at = true_bits_per_word(held_out), judged_steps(given.steps)
    record = {
        "command": "python -m utils.data.storyworld.make_checkpoint",
        "parameters": model.num_parameters(),
        "steps": given.steps,
        "words_per_step": BATCH * LONGEST,
        "floor": round(floor, 4),
        "rows": [],
    }

    def judge(report: Report) -> None:
        if report.step not in at:
            return
        bits, recall = bits_per_word(model, held_out), recall_accuracy(model, held_out)
        shares = {kind: round(share, 3) for kind, share in recall.items()}
        record["rows"].append({"step": report.step, "bits": round(bits, 4), "recall": shares})
        record["seconds"] = round(report.history.seconds, 1)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        model.save(weights, tokenizer="stories", dtype=torch.float16)
        above = f"{100 * (bits / floor - 1):.2f} % above the floor"
        print(f"step {report.step}: {bits:.4f} bits a word, {above}", flush=True)

    ids = stream(storyworld.stories(STORIES, seed=0))
    train(model, ids, None, settings(given.steps), [judge])
    print(f"{bits_per_word(GPT.load(weights), held_out):.4f} bits a word as written to {weights}")


if __name__ == "__main__":
    main()
