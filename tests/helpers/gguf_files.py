"""Small GGUF files, written by the format's own package, and the tokenizer that lies in them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch

from utils.llm.gpt import hf_llama
from utils.llm.gpt.gguf import INSIDE, OUTSIDE
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.tokenizer.bpe import merges, train_bpe
from utils.llm.tokenizer.vocabulary import letters_of_bytes

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
FRAME = (
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TEXT = (
    "the cat sat on the mat, the year 2024 was 365 days; 고양이가 고양이를 보았다. naïve café " * 3
)


def vocabulary(without: bytes = b"") -> tuple[list[str], list[str], list[int]]:
    """Tokens in GPT-2's letters, merges, and types; bytes of `without` have no token."""
    letters = letters_of_bytes()
    learned = [
        ["".join(letters[byte] for byte in part) for part in (*pair, joined)]
        for pair, joined in merges(train_bpe(TEXT, 300))
    ]
    plain = [letter for byte, letter in letters.items() if byte not in without]
    tokens = [*SPECIALS, *plain, *(joined for _, _, joined in learned)]
    return tokens, [f"{a} {b}" for a, b, _ in learned], [3] * 3 + [1] * (len(tokens) - 3)


def small_config(kind: str, vocab_size: int, **changes: Any) -> GPTConfig:
    """A model of one of the architectures whose rows are whole blocks of 32 numbers."""
    own = {
        "llama": {},
        "qwen2": {"qkv_bias": True, "tied": False},
        "qwen3": {"qk_norm": True, "d_head": 32},
    }[kind]
    sizes = {"vocab_size": vocab_size, "n_layers": 2, "n_heads": 4, "d_model": 64}
    shape = {"context_length": 64, "n_kv_heads": 2, "d_hidden": 96}
    return GPTConfig.preset("smollm2-135m", **{**sizes, **shape, **own, **changes})


def random_model(config: GPTConfig) -> GPT:
    """A model in which no number is at its start."""
    torch.manual_seed(0)
    model = GPT(config).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(torch.randn_like(weights) * 0.1)
    return model


def write_gguf(path: Path, kind: str, model: GPT, quant: str = "F32", **changes: Any) -> Path:
    """The model in a file, its matrices kept as `quant`; `changes` are of what is written."""
    tokens, pairs, types = changes.pop("tokens", None) or vocabulary()
    config = model.config
    writer = gguf.GGUFWriter(path, changes.get("architecture", kind))
    writer.add_context_length(config.context_length)
    writer.add_embedding_length(config.d_model)
    writer.add_block_count(config.n_layers)
    writer.add_feed_forward_length(config.d_hidden)
    writer.add_head_count(config.n_heads)
    writer.add_head_count_kv(config.n_kv_heads)
    writer.add_key_length(config.d_head)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_rope_freq_base(config.rotary_base)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(changes.get("split", "smollm"))
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(pairs)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(changes.get("frame", FRAME))
    for name, values in _named(kind, model):
        matrix = values.ndim > 1
        kept = gguf.GGMLQuantizationType[quant if matrix else "F32"]
        writer.add_tensor(name, gguf.quants.quantize(values, kept), raw_dtype=kept)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _named(kind: str, model: GPT) -> list[tuple[str, np.ndarray]]:
    config, found = model.config, []
    asked, kept = config.n_heads * config.d_head, config.n_kv_heads * config.d_head
    inside = {ours: theirs for theirs, ours in INSIDE.items()}
    outside = {ours: theirs for theirs, ours in OUTSIDE.items()}
    for name, values in model._weights().items():
        path, _, ending = name.rpartition(".")
        parts = {path: values}
        if path.startswith("blocks."):
            _, layer, part = path.split(".", 2)
            if part == "attention.qkv":
                split = values.split([asked, kept, kept])
                names = [f"blk.{layer}.attn_{letter}" for letter in "qkv"]
                parts = dict(zip(names, split, strict=True))
            else:
                parts = {f"blk.{layer}.{inside[part]}": values}
        else:
            parts = {outside[path]: values}
        for theirs, piece in parts.items():
            turned = theirs.rpartition(".")[2] in ("attn_q", "attn_k", "attn_q_norm", "attn_k_norm")
            if kind != "llama" and turned:
                piece = hf_llama.halves(piece, config.d_head)
            found.append((f"{theirs}.{ending}", piece.detach().numpy().astype(np.float32)))
    return found


def nasty_texts(count: int, seed: int = 0) -> list[str]:
    """Texts of spaces, digits, contractions, Korean, emoji, controls and marks, at random."""
    pieces = [
        *("the", "cat", " ", "  ", "\n", "\t", "\r\n", "'s", "'LL", "'t ", "12", "3456", "0"),
        *(
            "고양이",
            "가",
            "나라",
            "ㅋㅋ",
            "한 글",
            "é",
            "e\u0301",
            "½",
            "²",
            "٣",
            "五",
            "🙂",
            "👨‍👩‍👧",
        ),
        *("<|im_start|>", "<|endoftext|>", "...", "--", "_x_", "\u00a0", "\u3000", "\u200b"),
        *("\x00", "\x04", "\x1d", "ß", "İ", "ﬁ", "\ufeff", "𝔘", "\U000e0041", "I'm", "don't", "'"),
    ]
    draw = random.Random(seed)
    return ["".join(draw.choices(pieces, k=draw.randint(0, 12))) for _ in range(count)]
