"""What a GPT costs, from its configuration alone: parameters, arithmetic, memory of its cache.

`L` layers, `C` = d_model, `T` tokens of context, `V` tokens of the vocabulary.
"""

import torch

from utils.llm.gpt.config import GPTConfig

__all__ = ["block_table", "flops_per_token", "kv_bytes_per_token", "parameter_table"]


def block_table(config: GPTConfig) -> dict[str, int]:
    """The parameters of one block, part by part.

    In GPT-2 attention has 4 C² of them and the feed-forward layer 8 C², biases and norms aside.

    >>> block_table(GPTConfig.preset("gpt2"))
    {'attention': 2362368, 'feed-forward': 4722432, 'norms': 3072}
    """
    width, hidden, bias = config.d_model, config.d_hidden, config.bias
    asked, kept = config.n_heads * config.d_head, config.n_kv_heads * config.d_head
    gates = _into_hidden(config)
    return {
        "attention": _attention(config) + config.qkv_bias * (asked + 2 * kept) + bias * width,
        "feed-forward": (gates + 1) * width * hidden + bias * (gates * hidden + width),
        "norms": 2 * _norm(config) + config.qk_norm * 2 * config.d_head,
    }


def parameter_table(config: GPTConfig) -> dict[str, int]:
    """The parameters of a whole GPT by part, all blocks together; their sum is the model's.

    A tied head has none of its own: its matrix is counted once, as the token embedding.

    >>> table = parameter_table(GPTConfig.preset("gpt2"))
    >>> table["token embedding"], sum(table.values())
    (38597376, 124439808)
    """
    matrix = config.vocab_size * config.d_model
    block = {part: config.n_layers * count for part, count in block_table(config).items()}
    final_norm = _norm(config) if config.norm_position == "pre" else 0
    learned = config.positions == "learned"
    return {
        "token embedding": matrix,
        "position embedding": learned * config.context_length * config.d_model,
        **block,
        "final norm": final_norm,
        "head": 0 if config.tied else matrix,
    }


def flops_per_token(config: GPTConfig, context_length: int | None = None) -> int:
    """Floating-point operations of a forward pass, for each token of a text of T tokens.

    For a GPT-2 it is 2 · (12 L C² + V C) + 4 L C T. The first part is the matrices', head included:
    each of their numbers is multiplied once and added once. The second is attention's, where each
    token meets T others, once by its query and once for its value: all T, as the arithmetic is
    done, though the mask then hides the later ones. Not counted is what is small beside a matrix:
    looking up embeddings, biases, norms, softmax, GELU. A training step, forward and backward,
    takes three times as much (the rule 6 N of Kaplan et al. 2020).

    T is the context_length that is given, else the model's. Raises ValueError for one below 1.

    >>> flops_per_token(GPTConfig.preset("gpt2"))
    284812800
    """
    tokens = config.context_length if context_length is None else context_length
    if tokens < 1:
        raise ValueError(f"context_length is {tokens}; it must be at least 1.")
    width, asked = config.d_model, config.n_heads * config.d_head
    block = _attention(config) + (_into_hidden(config) + 1) * width * config.d_hidden
    matrices = config.n_layers * block + config.vocab_size * width
    return 2 * matrices + 4 * config.n_layers * asked * tokens


def kv_bytes_per_token(config: GPTConfig, dtype: torch.dtype = torch.float32) -> int:
    """Bytes that the caches grow by with every token of a text: keys and values of each layer.

    >>> kv_bytes_per_token(GPTConfig.preset("gpt2"), torch.bfloat16)
    36864
    """
    return 2 * config.n_layers * config.n_kv_heads * config.d_head * dtype.itemsize


def _attention(config: GPTConfig) -> int:
    """Numbers in the matrices of one attention layer: queries, keys, values, and the way out."""
    asked, kept = config.n_heads * config.d_head, config.n_kv_heads * config.d_head
    return config.d_model * (2 * asked + 2 * kept)


def _into_hidden(config: GPTConfig) -> int:
    """How many matrices lead into the feed-forward layer: two where one is a gate."""
    return 2 if config.activation == "swiglu" else 1


def _norm(config: GPTConfig) -> int:
    """Parameters of a single norm."""
    width = config.d_model
    sizes = {"layernorm": width + config.bias * width, "rmsnorm": width, "dyt": 2 * width + 1}
    return sizes.get(config.norm, 0)
