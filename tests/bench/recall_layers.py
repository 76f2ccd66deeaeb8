"""One layer of attention against two on the facts of the story world: the control of chapter 04.

    python tests/bench/recall_layers.py [--steps 300] [--seeds 0 1 3] [--out FILE]

The models and their training are the chapter's; the record (JSON) says for each number of layers
and each seed what percentage of the places where a fact comes again is found in 200 stories that
the model has never read, and how many bits it pays for a word. `linear` are two layers of linear
attention, trained three times as long. Four minutes on one quiet core.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import torch

from utils.data.storyworld import tokens as story_tokens
from utils.data.storyworld.world import recalls
from utils.data.texts.corpora import load_corpus
from utils.llm.attention import recall

OUT = Path(__file__).resolve().parents[2] / "utils" / "data" / "logs" / "recall_layers.json"
KINDS = ("colour", "thing", "name", "animal")


def trained(
    layers: int, seed: int, steps: int, stories: list[list[str]], **choices: object
) -> recall.RecallModel:
    """The chapter's model with so many layers, trained as there."""
    torch.manual_seed(seed)
    size = {"d_model": 96, "n_heads": 4, "n_layers": layers}
    model = recall.RecallModel(len(story_tokens.VOCABULARY), **size, **choices)
    inputs, targets = recall.encode(stories, story_tokens.VOCABULARY)
    recall.train_recall(model, inputs, targets, steps=steps, batch_size=16, learning_rate=0.005)
    return model.eval()


@torch.no_grad()
def judged(model: recall.RecallModel, stories: list[list[str]]) -> dict[str, float]:
    """Percent found of each kind of fact (colours told 30 or more words before), and bits."""
    inputs, targets = recall.encode(stories, story_tokens.VOCABULARY)
    logits = model(inputs)  # (N, T, V)
    right = logits.argmax(-1) == targets
    places: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for i, words in enumerate(stories):
        for fact in recalls(words):
            if fact.kind in places and (fact.kind != "colour" or fact.distance >= 30):
                places[fact.kind].append(right[i, fact.index].item())
    told = targets >= 0
    bits = torch.nn.functional.cross_entropy(logits[told], targets[told]).item() / math.log(2)
    found = {kind: round(100 * sum(hits) / len(hits), 1) for kind, hits in places.items()}
    return found | {"bits": round(bits, 3)}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=300)
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 3])
    options.add_argument("--out", type=Path, default=OUT)
    given = options.parse_args()
    corpus = load_corpus("stories")
    train = [line.split() for line in corpus.train.splitlines()[:8000]]
    held_out = [line.split() for line in corpus.val.splitlines()[:200]]
    runs = []
    for layers in (1, 2):
        for seed in given.seeds:
            model = trained(layers, seed, given.steps, train)
            runs.append({"layers": layers, "seed": seed} | judged(model, held_out))
            print(runs[-1], flush=True)
    linear = []
    for seed in (given.seeds[0], given.seeds[-1]):
        kind = {"attention": recall.LinearSelfAttention}
        model = trained(2, seed, 3 * given.steps, train, **kind)
        linear.append({"steps": 3 * given.steps, "seed": seed} | judged(model, held_out))
        print("linear", linear[-1], flush=True)
    command = "python tests/bench/recall_layers.py"
    record = {"command": command, "steps": given.steps, "stories": len(held_out)}
    record |= {"runs": runs, "linear": linear}
    given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
