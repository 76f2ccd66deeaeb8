"""Five changes since GPT-2, one at a time and all at once, at equal compute on the story world.

    python tests/bench/modern.py [--steps 350] [--only GPT-2,rotary] [--seeds 0,1,2]
                                 [--rates 4e-3] [--out FILE]

GPT-2's design trains for so many steps; every other one for as many as its operations pay for,
counted, not timed. The record (JSON) has for each design and seed what it pays for a word of
held-out stories at the end, and its size. What was recorded before and is not asked for stays.

A recipe that suits one design may not suit another: `--rates 2e-3,4e-3,8e-3 --out rates.json`
trains each at several learning rates and marks the best of them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
from pathlib import Path
from typing import Any

from utils.data.storyworld import world as storyworld
from utils.data.storyworld.model import fresh_story_model
from utils.data.storyworld.scores import bits_per_word, true_bits_per_word
from utils.data.storyworld.tokens import END_ID, stream
from utils.llm.gpt.config import GPTConfig
from utils.llm.gpt.counts import flops_per_token
from utils.llm.training.loop import TrainConfig, train

OUT = Path(__file__).resolve().parents[2] / "utils" / "data" / "logs" / "modern.json"
BATCH, CONTEXT, RATE = 8, 121, 4e-3
GPT2 = GPTConfig(369, 128, n_layers=2, n_heads=6, d_model=96)
CHANGES: dict[str, dict[str, Any]] = {
    "GPT-2": {},
    "RMSNorm": {"norm": "rmsnorm"},
    "rotary": {"positions": "rotary"},
    "SwiGLU": {"activation": "swiglu", "d_hidden": 256},  # 8/3 C: three matrices as large as two
    "grouped": {"n_kv_heads": 2},
    "no biases": {"bias": False},
}
CHANGES["all five"] = {name: value for each in CHANGES.values() for name, value in each.items()}


def steps_of(config: GPTConfig, steps: int) -> int:
    """How many steps cost what `steps` steps of GPT-2's design cost."""
    return round(steps * flops_per_token(GPT2, CONTEXT) / flops_per_token(config, CONTEXT))


def run(name: str, seed: int, steps: int, rate: float, held_out: list[str]) -> dict[str, Any]:
    """Train one design from one seed, and judge it."""
    config = GPT2.with_changes(**CHANGES[name])
    model, steps = fresh_story_model(config, seed), steps_of(config, steps)
    settings = TrainConfig(
        steps=steps,
        batch_size=BATCH,
        learning_rate=rate,
        warm_up=max(1, steps // 10),
        start_token=END_ID,
        context_length=CONTEXT,
        seed=seed,
    )
    history = train(model, TRAIN, None, settings)
    if history.stopped:
        raise SystemExit(f"{name}, seed {seed}: {history.stopped}; it is not recorded")
    bits = bits_per_word(model, held_out)
    print(f"{name}, seed {seed}: rate {rate:g}, {steps} steps, {bits:.3f} bits", flush=True)
    return {"name": name, "seed": seed, "steps": steps, "rate": rate} | {
        "bits": round(bits, 4),
        "parameters": model.num_parameters(),
        "cache": model.kv_bytes_per_token(),
        "seconds": round(history.seconds, 1),
    }


def at(found: dict[str, Any]) -> tuple[int, float, int]:
    """Where a run stands in the record: by design, rate and seed."""
    return list(CHANGES).index(found["name"]), found["rate"], found["seed"]


def print_best(runs: list[dict[str, Any]]) -> None:
    """The mean of each design at each of its rates, the least marked."""
    for name in CHANGES:
        by_rate: dict[float, list[float]] = {}
        for each in runs:
            if each["name"] == name:
                by_rate.setdefault(each["rate"], []).append(each["bits"])
        means = {rate: statistics.mean(bits) for rate, bits in by_rate.items()}
        line = (
            f"{rate:g}: {mean:.3f}{'*' if mean == min(means.values()) else ' '}"
            f" ({len(by_rate[rate])} seeds)"
            for rate, mean in means.items()
        )
        print(f"{name:<10} {'  '.join(line)}")


def main() -> None:
    """Run what is asked for, and write the record after each."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=350)
    options.add_argument("--only", default=",".join(CHANGES))
    options.add_argument("--seeds", default="0,1,2")
    options.add_argument("--rates", default=str(RATE))
    options.add_argument("--out", type=Path, default=OUT)
    given = options.parse_args()
    held_out = storyworld.stories(100, seed=2)
    runs: list[dict[str, Any]] = []
    if given.out.is_file():
        runs = json.loads(given.out.read_text(encoding="utf-8"))["runs"]
    asked = itertools.product(given.seeds.split(","), given.rates.split(","), given.only.split(","))
    for seed, rate, name in asked:
        found = run(name, int(seed), given.steps, float(rate), held_out)
        runs = sorted([*(each for each in runs if at(each) != at(found)), found], key=at)
        record = {
            "command": "python tests/bench/modern.py",
            "floor": round(true_bits_per_word(held_out), 4),
            "runs": runs,
        }
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print_best(runs)


TRAIN = stream(storyworld.stories(10_000, seed=0))

if __name__ == "__main__":
    main()
