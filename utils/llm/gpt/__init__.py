"""Week 3: the block, the whole GPT, its files, and Hugging Face's names for it."""

from utils.llm.gpt.model import (
    GPT,
    PRESETS,
    Block,
    FeedForward,
    GPTConfig,
    feed_forward,
    gelu,
)

__all__ = [
    "GPT",
    "PRESETS",
    "Block",
    "FeedForward",
    "GPTConfig",
    "feed_forward",
    "gelu",
]
