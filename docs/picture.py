"""Draw the README's picture: `python docs/picture.py`. Some ten seconds."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from utils.data.storyworld import entropy_per_word, stories
from utils.llm.counting.ngram import NGramModel
from utils.viz.plots.training import race_to_the_floor


def main() -> None:
    """Measure n-gram models on unseen stories, and draw the record of the shipped GPT over them."""
    train, unseen = stories(10_000, seed=0), stories(300, seed=2)
    levels = {
        f"{order}-gram": NGramModel(order)
        .fit([story.split() for story in train])
        .bits_per_word([story.split() for story in unseen])
        for order in range(1, 6)
    }
    log = files("utils.data") / "logs" / "story_run.json"
    rows = json.loads(log.read_text(encoding="utf-8"))["rows"]
    figure = race_to_the_floor(
        {"the GPT of this course": ([r["step"] for r in rows], [r["bits"] for r in rows])},
        levels,
        entropy_per_word(),
        "A small GPT passes everything that counts words, and settles on the floor",
    )
    figure.save(Path(__file__).with_name("floor.png"))
    print(figure)


if __name__ == "__main__":
    main()
