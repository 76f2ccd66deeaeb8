"""How fast `train_bpe` is: beside the Rust trainer of `tokenizers` and beside a naive one.

    python tests/bench/tokenizer.py [--corpus python-docs] [--size 1024] [--rounds 7]

The trainers take turns, so that a busy moment of the machine strikes all of them; medians count.
The naive trainer recounts all chunks before each merge. It sees only a slice of the text, and its
time is multiplied by how much longer the whole is: an estimate.
"""

from __future__ import annotations

import argparse
import pydoc_data.topics
import statistics
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from utils.llm.tokenizer.bpe import merge_pair, split_text, train_bpe

SLICE = 10_000


def load(corpus: str) -> str:
    if corpus == "pydoc":
        return "\n".join(pydoc_data.topics.topics.values())
    from utils.data.texts.corpora import load_corpus

    return load_corpus(corpus).train


def train_rust(text: str, size: int, *, by_line: bool) -> int:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pieces = text.splitlines(keepends=True) if by_line else [text]
    tokenizer.train_from_iterator(pieces, trainer)
    return tokenizer.get_vocab_size()


def train_naive(text: str, size: int) -> None:
    chunks = [list(chunk.encode()) for chunk in split_text(text)]
    for new_id in range(256, size - 1):
        counts = Counter(pair for chunk in chunks for pair in pairwise(chunk))
        if not counts:
            return
        pair = counts.most_common(1)[0][0]
        chunks = [merge_pair(chunk, pair, new_id) for chunk in chunks]


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", default="python-docs", help="a corpus of the course, or pydoc")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    text, size = load(options.corpus), options.size
    trainers: dict[str, Callable[[], object]] = {
        "ours": lambda: train_bpe(text, size),
        "tokenizers (Rust), whole text": lambda: train_rust(text, size, by_line=False),
        "tokenizers (Rust), by line": lambda: train_rust(text, size, by_line=True),
    }
    times: dict[str, list[float]] = {name: [] for name in trainers}
    for round_number in range(options.rounds + 1):
        for name, train in trainers.items():
            seconds = timed(train)
            if round_number:  # the first round warms up
                times[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    scale = len(text) / len(text[:SLICE])
    naive = timed(lambda: train_naive(text[:SLICE], size)) * scale
    medians["naive, estimated from a slice"] = naive

    print(f"{options.corpus}: {len(text):,} characters to {size:,} tokens")
    fastest = min(medians[name] for name in trainers if "Rust" in name)
    print(f"{'trainer':<32}{'median':>10}{'spread':>18}{'× fastest Rust':>18}")
    for name, median in medians.items():
        values = times.get(name)
        spread = f"{min(values):.3f}–{max(values):.3f} s" if values else ""
        print(f"{name:<32}{median:>8.3f} s{spread:>18}{median / fastest:>18.2f}")


if __name__ == "__main__":
    main()
