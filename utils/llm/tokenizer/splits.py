"""How the tokenizers of known models cut a text into chunks, before any pair is merged."""

from utils.llm.tokenizer.bpe import GPT2_PATTERN

__all__ = ["SPLITS"]

# SmolLM takes every digit for itself first and splits what is left as GPT-2 does: white space
# before a digit stands at an end there, and stays together.
_SMOLLM = (
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++|\p{N}| ?[^\s\p{L}\p{N}]++"
    r"|\s++(?=\p{N}|$)|\s+(?!\S)|\s"
)
_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

#: By the name that a GGUF file gives as `tokenizer.ggml.pre`.
SPLITS = {
    "gpt-2": GPT2_PATTERN,
    "smollm": _SMOLLM,
    "llama-bpe": _WORDS + r"\p{N}{1,3}" + _REST,
    "qwen2": _WORDS + r"\p{N}" + _REST,
}
