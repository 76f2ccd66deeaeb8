"""Week 1: models that count, and the yardstick in bits."""

from utils.llm.counting.ngram import NGramModel

__all__ = [
    "NGramModel",
]
