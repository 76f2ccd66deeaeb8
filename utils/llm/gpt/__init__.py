"""Week 3: the block, the whole GPT, its files, and Hugging Face's names for it."""

from utils.llm.gpt.block import Block, FeedForward, feed_forward, gelu, swiglu
from utils.llm.gpt.model import GPT, PRESETS, GPTConfig

__all__ = ["GPT", "PRESETS", "Block", "FeedForward", "GPTConfig", "feed_forward", "gelu", "swiglu"]
