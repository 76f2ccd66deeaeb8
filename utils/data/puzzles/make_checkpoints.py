"""Train the models of chapter 09 again and write them to utils/data/checkpoints.

python -m utils.data.puzzles.make_checkpoints [name ...]

It takes some four minutes on one thread.
"""

import sys

import torch

from utils.data.puzzles.models import RECIPES, train_recipe
from utils.llm.gpt.checkpoints import SHIPPED


def main(names: list[str]) -> None:
    """Make the models of these names, or all."""
    unknown = set(names) - set(RECIPES)
    if unknown:
        raise SystemExit(f"no recipe is called {sorted(unknown)[0]!r}: {', '.join(RECIPES)}")
    for name in names or RECIPES:
        model, history = train_recipe(RECIPES[name], report=100)
        path = SHIPPED / f"{name}.safetensors"
        model.save(path, tokenizer="sums", dtype=torch.float16)
        size = path.stat().st_size / 1000
        print(f"{name}: {100 * history.exact[-1]:.1f} % exact, {size:.0f} kB, {path}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
