"""One training on the story world, watched: bits a word, and what the model can recall, by steps.

    python tests/bench/story_run.py [--steps 300] [--out FILE]

Chapter 07 draws the record (JSON). The model is the preset "story" with rotary positions and a
head of its own. Its weights start larger than GPT-2's, which are meant for wider layers: a small
model that is trained for minutes can't wait until they have grown.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from utils.data import storyworld
from utils.data.story_scores import bits_per_word, recall_accuracy, true_bits_per_word
from utils.data.story_tokens import END_ID, stream
from utils.llm.callbacks import Report
from utils.llm.gpt import GPT, GPTConfig
from utils.llm.training import TrainConfig, train

OUT = Path(__file__).resolve().parents[2] / "utils" / "data" / "logs" / "story_run.json"
COMMAND = "python tests/bench/story_run.py"
BATCH, CONTEXT, POINTS = 32, 121, 24


def make_model(seed: int = 0) -> GPT:
    """The model of the run, freshly rolled."""
    torch.manual_seed(seed)
    model = GPT(GPTConfig.preset("story", positions="rotary", tied=False))
    for weights in model.parameters():
        if weights.ndim == 2:
            torch.nn.init.normal_(weights, std=0.06)
    torch.nn.init.normal_(model.token_embedding.weight, std=0.3)
    return model


def measure_points(steps: int) -> set[int]:
    """Steps after which the model is judged, each the same multiple of the one before."""
    ratio = (steps / 5) ** (1 / (POINTS - 1))
    return {round(5 * ratio**i) for i in range(POINTS)} | {steps}


def main() -> None:
    """Train, judge on the way, write the record after every judgement."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=300)
    options.add_argument("--rate", type=float, default=4e-3)
    options.add_argument("--out", type=Path, default=OUT)
    given = options.parse_args()
    held_out = storyworld.stories(200, seed=2)
    model, at = make_model(), measure_points(given.steps)
    record = {
        "command": COMMAND,
        "parameters": model.num_parameters(),
        "steps": given.steps,
        "words_per_step": BATCH * CONTEXT,
        "floor": round(true_bits_per_word(held_out), 4),
        "rows": [],
    }

    def judge(report: Report) -> None:
        if report.step not in at:
            return
        recall = recall_accuracy(model, held_out)
        bits = round(bits_per_word(model, held_out), 4)
        shares = {kind: round(share, 3) for kind, share in recall.items()}
        record["rows"].append({"step": report.step, "bits": bits, "recall": shares})
        record["seconds"] = round(report.history.seconds, 1)
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        print(f"step {report.step}: {bits:.3f} bits, {report.history.seconds:.0f} s", flush=True)

    settings = TrainConfig(
        steps=given.steps,
        batch_size=BATCH,
        learning_rate=given.rate,
        warm_up=30,
        weight_decay=0.01,
        start_token=END_ID,
        context_length=CONTEXT,
    )
    train(model, stream(storyworld.stories(10_000, seed=0)), None, settings, [judge])


if __name__ == "__main__":
    main()
