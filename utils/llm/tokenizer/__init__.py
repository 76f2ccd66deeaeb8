"""Week 1: text as bytes, byte-pair encoding, and the windows to learn from."""

from utils.llm.tokenizer.bpe import (
    bpe_step,
    count_pairs,
    explain_encoding,
    gpt2_encoding,
    gpt2_is_kept,
    merge_pair,
    merges,
    split_text,
    train_bpe,
)
from utils.llm.tokenizer.files import load_encoding, save_encoding

__all__ = [
    "bpe_step",
    "count_pairs",
    "explain_encoding",
    "gpt2_encoding",
    "gpt2_is_kept",
    "load_encoding",
    "merge_pair",
    "merges",
    "save_encoding",
    "split_text",
    "train_bpe",
]
