"""Five changes since GPT-2, one at a time and all at once, at equal compute on the story world.

    python tests/bench/modern.py [--steps 350] [--only GPT-2,rotary] [--seeds 0,1,2] [--out FILE]

GPT-2's design trains for so many steps; every other one for as many as its operations pay for,
counted, not timed. The record (JSON) has for each design and seed what it pays for a word of
held-out stories at the end, and its size. What was recorded before and is not asked for stays.
"""

from __future__ import annotations

import argparse
import json
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


def run(name: str, seed: int, steps: int, held_out: list[str]) -> dict[str, Any]:
    """Train one design from one seed, and judge it."""
    config = GPT2.with_changes(**CHANGES[name])
    model, steps = fresh_story_model(config, seed), steps_of(config, steps)
    settings = TrainConfig(
        steps=steps,
        batch_size=BATCH,
        learning_rate=RATE,
        warm_up=max(1, steps // 10),
        start_token=END_ID,
        context_length=CONTEXT,
        seed=seed,
    )
    history = train(model, TRAIN, None, settings)
    if history.stopped:
        raise SystemExit(f"{name}, seed {seed}: {history.stopped}; it is not recorded")
    bits = bits_per_word(model, held_out)
    print(f"{name}, seed {seed}: {steps} steps, {bits:.3f} bits", flush=True)
    return {"name": name, "seed": seed, "steps": steps, "bits": round(bits, 4)} | {
        "parameters": model.num_parameters(),
        "cache": model.kv_bytes_per_token(),
        "seconds": round(history.seconds, 1),
    }


def _place(found: dict[str, Any]) -> tuple[int, int]:
    return list(CHANGES).index(found["name"]), found["seed"]


def main() -> None:
    """Run what is asked for, and write the record after each."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=350)
    options.add_argument("--only", default=",".join(CHANGES))
    options.add_argument("--seeds", default="0,1,2")
    options.add_argument("--out", type=Path, default=OUT)
    given = options.parse_args()
    held_out = storyworld.stories(100, seed=2)
    record: dict[str, Any] = {
        "command": "python tests/bench/modern.py",
        "floor": round(true_bits_per_word(held_out), 4),
        "runs": [],
    }
    if given.out.is_file():
        record["runs"] = json.loads(given.out.read_text(encoding="utf-8"))["runs"]
    for seed in map(int, given.seeds.split(",")):
        for name in given.only.split(","):
            found = run(name, seed, given.steps, held_out)
            kept = [r for r in record["runs"] if (r["name"], r["seed"]) != (name, seed)]
            order = [(n, s) for n in CHANGES for s in range(99)]
            record["runs"] = sorted(
                [*kept, found], key=lambda r: order.index((r["name"], r["seed"]))
            )
            given.out.parent.mkdir(parents=True, exist_ok=True)
            given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


TRAIN = stream(storyworld.stories(10_000, seed=0))

if __name__ == "__main__":
    main()
