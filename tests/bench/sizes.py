"""Four sizes of model at equal compute, on the story world: who is ahead when the budget is spent?

    python tests/bench/sizes.py [--budget 1.5] [--sizes story-tiny,story] [--out FILE]

Every size reads stories from the same generator until the operations of the budget are used up,
counted, not timed: three forward passes' worth for a training step (forward, and twice that for
backward). A large model therefore sees fewer words. The record (JSON) says for each size how many
parameters it has, and after how many operations it paid how many bits a word on held-out stories;
and how often, at the end, it recalled each kind of fact.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from utils.data.storyworld import world as storyworld
from utils.data.storyworld.model import fresh_story_model
from utils.data.storyworld.scores import bits_per_word, recall_accuracy, true_bits_per_word
from utils.data.storyworld.tokens import END_ID, stream
from utils.llm.gpt.model import GPT
from utils.llm.training.callbacks import Report
from utils.llm.training.loop import TrainConfig, train

OUT = Path(__file__).resolve().parents[2] / "utils" / "data" / "logs" / "sizes.json"
RATES = {"story-tiny": 8e-3, "story-small": 8e-3, "story": 6e-3, "story-large": 3e-3}
BATCH, CONTEXT, POINTS = 16, 121, 12
COMMAND = "python tests/bench/sizes.py"


def flops_per_step(model: GPT) -> float:
    """Operations of one training step: forward, and backward at twice that."""
    return 3.0 * model.flops_per_token(CONTEXT) * BATCH * CONTEXT


def measure_points(steps: int) -> list[int]:
    """Steps after which the model is judged, each the same multiple of the one before."""
    first = max(1, steps // 40)
    ratio = (steps / first) ** (1 / (POINTS - 1))
    return sorted({round(first * ratio**i) for i in range(POINTS)} | {steps})


def run(name: str, budget: float, held_out: list[str]) -> dict[str, object]:
    """Train one size to the end of the budget, and judge it on the way."""
    model = fresh_story_model(name)
    cost = flops_per_step(model)
    steps = max(1, round(budget / cost))
    at, rows = measure_points(steps), []

    def judge(report: Report) -> None:
        if report.step in at:
            bits = bits_per_word(report.model, held_out)
            rows.append({"step": report.step, "flops": report.step * cost, "bits": round(bits, 4)})
            print(f"{name}: step {report.step} of {steps}, {bits:.3f} bits", flush=True)

    settings = TrainConfig(
        steps=steps,
        batch_size=BATCH,
        learning_rate=RATES[name],
        warm_up=min(100, max(10, steps // 10)),
        start_token=END_ID,
        context_length=CONTEXT,
    )
    history = train(model, TRAIN, None, settings, [judge])
    return {
        "name": name,
        "parameters": model.num_parameters(),
        "steps": steps,
        "words": steps * BATCH * CONTEXT,
        "learning_rate": RATES[name],
        "seconds": round(history.seconds, 1),
        "rows": rows,
        "recall": {k: round(v, 3) for k, v in recall_accuracy(model, held_out).items()},
    }


def main() -> None:
    """Run the sizes asked for, one after the other, and write the record after each."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--budget", type=float, default=1.5, help="in 10^12 operations")
    options.add_argument("--sizes", default=",".join(RATES))
    options.add_argument("--out", type=Path, default=OUT)
    given = options.parse_args()
    held_out = storyworld.stories(100, seed=2)
    record = {
        "command": COMMAND,
        "budget_flops": given.budget * 1e12,
        "floor": round(true_bits_per_word(held_out), 4),
        "sizes": [],
    }
    for name in given.sizes.split(","):
        record["sizes"].append(run(name, given.budget * 1e12, held_out))
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


TRAIN = stream(storyworld.stories(10_000, seed=0))

if __name__ == "__main__":
    main()
