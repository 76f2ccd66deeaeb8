"""Draw the README's picture: `python docs/picture.py`. Some ten seconds."""

from __future__ import annotations

from pathlib import Path

from utils.data.storyworld import entropy_per_word, stories
from utils.llm.lempel_ziv import gzip_bits_per_word
from utils.llm.ngram import NGramModel
from utils.viz import plots


def main() -> None:
    """Measure n-gram models and gzip on unseen stories, and save the figure beside this file."""
    train, unseen = stories(4000, seed=0), stories(500, seed=1)
    orders = {
        order: NGramModel(order)
        .fit([story.split() for story in train])
        .bits_per_word([story.split() for story in unseen])
        for order in range(1, 6)
    }
    gzip = gzip_bits_per_word("\n".join(train), "\n".join(unseen))
    figure = plots.bits_per_word(orders, {"gzip": gzip}, entropy_per_word())
    figure.save(Path(__file__).with_name("floor.png"))
    print(figure)


if __name__ == "__main__":
    main()
