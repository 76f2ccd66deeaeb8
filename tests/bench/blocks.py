"""What each part of a block is worth: one taken away at a time, and other norms in place of one.

    python tests/bench/blocks.py [--steps 600] [--words 40] [--seeds 3] [--figures build/bench]

Small GPTs read the beginnings of stories, each once, 16 a step; what they pay is measured on
stories that they have not seen, beside the floor and a 3-gram. Mean and spread are over seeds,
which roll the weights and the order of the stories. The norms are compared in models whose stream
starts at deviation 1 (see `utils.llm.gpt.ablation.build_with_norm`), at two learning rates.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from utils.data.storyworld import world as storyworld
from utils.data.storyworld.tokens import VOCABULARY
from utils.data.texts.corpora import load_corpus
from utils.llm.attention import recall
from utils.llm.counting.ngram import NGramModel
from utils.llm.gpt import ablation
from utils.llm.gpt.model import GPTConfig
from utils.viz import plots

ROOT = Path(__file__).resolve().parents[2]
RATE = 8e-3

Make = Callable[[int], nn.Module]


@dataclass
class Stories:
    """Beginnings of stories to learn from and to judge by, and two levels to compare with."""

    inputs: Tensor
    targets: Tensor
    new_inputs: Tensor
    new_targets: Tensor
    floor: float
    three_gram: float


@dataclass
class Run:
    """One training: the loss of every step, and bits per word on new stories."""

    losses: list[float]
    bits: float


def load(n_words: int, n_stories: int) -> Stories:
    corpus = load_corpus("stories")
    train = [line.split() for line in corpus.train.splitlines()]
    if n_stories > len(train):  # more than the corpus has: the same dice, other seeds
        train += [line.split() for line in storyworld.stories(n_stories - len(train), seed=1)]
    known = [words[:n_words] for words in train]
    new = [line.split()[:n_words] for line in corpus.val.splitlines()[:500]]
    total = sum(map(len, new))
    three_gram = NGramModel(3).fit(known, storyworld.VOCABULARY)
    encoded = [ids[:, :n_words] for part in (known, new) for ids in recall.encode(part, VOCABULARY)]
    return Stories(
        *encoded,
        floor=-sum(map(storyworld.log2_probability, new)) / total,
        three_gram=three_gram.bits_per_word(new),
    )


def run(make: Make, rate: float, seed: int, steps: int, stories: Stories) -> Run:
    model = make(seed)
    losses = recall.train_recall(
        model,
        stories.inputs,
        stories.targets,
        steps,
        learning_rate=rate,
        batch_size=16,
        seed=seed,
    )
    bits = ablation.held_out_bits(model, stories.new_inputs, stories.new_targets)
    return Run(losses, bits)


def parts(config: GPTConfig) -> dict[str, tuple[Make, float]]:
    def without(part: str) -> Make:
        return lambda seed: ablation.build(config, part, seed)

    def changed(**changes: str) -> Make:
        return lambda seed: ablation.build(config.with_changes(**changes), seed=seed)

    made = {"all of it": without("")}
    made |= {f"without {part}": without(part) for part in ablation.PARTS}
    made["one head, not four"] = made.pop("without heads")
    made["post-norm"] = changed(norm_position="post")
    made["ReLU for GELU"] = changed(activation="relu")
    return {name: (make, RATE) for name, make in made.items()}


def norms(config: GPTConfig) -> dict[str, tuple[Make, float]]:
    kinds = {"LayerNorm": "layernorm", "Dynamic Tanh": "dyt", "RMSNorm": "rmsnorm", "none": "none"}
    small_words = partial(ablation.build, config.with_changes(tied=False), "norm")
    chosen = [(name, RATE) for name in kinds] + [(name, 2 * RATE) for name in [*kinds][:2]]
    return {
        f"{name}, rate {rate:g}": (partial(ablation.build_with_norm, config, kinds[name]), rate)
        for name, rate in chosen
    } | {f"none, words at 0.02, rate {RATE:g}": (small_words, RATE)}


def measure(
    variants: dict[str, tuple[Make, float]], options: argparse.Namespace, stories: Stories
) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    width = max(map(len, variants))
    print(f"{'':{width}}  bits a word: mean (least to most)   steps to the 3-gram")
    for name, (make, rate) in variants.items():
        found[name] = [
            run(make, rate, seed, options.steps, stories) for seed in range(options.seeds)
        ]
        bits = [one.bits for one in found[name]]
        reached = [ablation.steps_to_reach(one.losses, stories.three_gram) for one in found[name]]
        spread = f"{statistics.mean(bits):.3f} ({min(bits):.3f} to {max(bits):.3f})"
        print(f"{name:{width}}  {spread:<35} {_said(reached)}", flush=True)
    return found


def _said(reached: Sequence[int | None]) -> str:
    return ", ".join("never" if steps is None else str(steps) for steps in reached)


def draw(
    ablated: dict[str, list[Run]], normed: dict[str, list[Run]], stories: Stories, folder: Path
) -> list[Path]:
    levels = {"floor": stories.floor, "3-gram": stories.three_gram}
    steps = {
        name: [ablation.steps_to_reach(one.losses, stories.three_gram) for one in runs]
        for name, runs in ablated.items()
    }
    n_steps = len(next(iter(ablated.values()))[0].losses)
    bars = plots.ablation_bars(
        {name: [one.bits for one in runs] for name, runs in ablated.items()},
        steps,
        n_steps,
        f"What is lost without a part, after {n_steps} steps",
        levels=levels,
        reach="steps until it beats the 3-gram",
        words="one bar a variant",
    )
    curves = plots.seed_curves(
        {
            name: [ablation.running_mean(one.losses, 20) for one in runs]
            for name, runs in normed.items()
            if name in (f"LayerNorm, rate {RATE:g}", f"Dynamic Tanh, rate {RATE:g}")
        },
        "LayerNorm and Dynamic Tanh, the spread of the seeds as a band",
        levels=levels,
        words="two bands",
        ylim=(0.7, 2.5),
    )
    folder.mkdir(parents=True, exist_ok=True)
    return [bars.save(folder / "blocks.png"), curves.save(folder / "norms.png")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--words", type=int, default=40, help="how much of each story is read")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--figures", type=Path, default=ROOT / "build" / "bench")
    options = parser.parse_args()
    start = time.perf_counter()
    stories = load(options.words, 16 * options.steps)
    config = GPTConfig(len(VOCABULARY), options.words, n_layers=2, n_heads=4, d_model=64)
    print(
        f"{options.steps} steps of 16 stories, their first {options.words} words; floor "
        f"{stories.floor:.3f}, 3-gram {stories.three_gram:.3f} bits a word; "
        f"{torch.get_num_threads()} threads"
    )
    ablated = measure(parts(config), options, stories)
    print()
    normed = measure(norms(config), options, stories)
    for path in draw(ablated, normed, stories, options.figures):
        print(f"figure: {path}")
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
