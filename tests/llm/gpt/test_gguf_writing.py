"""A GGUF file of ours holds the model, here and in llama.cpp, or it is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.gguf_files import FRAME, TEXT, nasty_texts, random_model, small_config

from utils.llm.gpt.gguf import open_gguf
from utils.llm.gpt.gguf_writing import write_gguf
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.tokenizer.bpe import train_bpe
from utils.llm.tokenizer.vocabulary import Vocabulary, open_encoding

ENCODING = train_bpe(TEXT, 320)
VOCABULARY = open_encoding(ENCODING, None, ENCODING.eot_token, template=FRAME)
V = ENCODING.n_vocab
OLD = {"vocab_size": V, "context_length": 48, "n_layers": 2, "n_heads": 4, "d_model": 64}
CONFIGS = {
    "gpt2": GPTConfig(**OLD),
    "gpt2, more rows than tokens": GPTConfig(**{**OLD, "vocab_size": V + 3}, tied=False),
    "gpt2, no biases": GPTConfig(**OLD, bias=False, d_hidden=96),
    "gptneox": GPTConfig(**OLD, positions="rotary", tied=False),
    "gptneox, tied, grouped": GPTConfig(**OLD, positions="rotary", n_kv_heads=2),
    "llama": small_config("llama", V),
    "llama, biases": small_config("llama", V, bias=True, qkv_bias=True),
    "llama, stretched": small_config("llama", V, rotary_scaling=(8.0, 1.0, 4.0, 8192)),
    "qwen2": small_config("qwen2", V),
    "qwen3": small_config("qwen3", V),
}
every_config = pytest.mark.parametrize("name", CONFIGS)


def written(folder: Path, model: GPT, kind: str = "F32", **changes: Any) -> Path:
    vocabulary = changes.pop("vocabulary", VOCABULARY)
    write_gguf(folder / "a.gguf", model.config, model._weights(), vocabulary, kind, **changes)
    return folder / "a.gguf"


@every_config
@torch.no_grad()
def test_ours_opens_it_again(name: str, tmp_path: Path) -> None:
    model = random_model(CONFIGS[name])
    opened = open_gguf(written(tmp_path, model, about={"name": "small", "license": "mit"}))
    again = GPT.of_weights(opened.config, opened.weights(), "", opened.path)
    ids = torch.randint(V, (2, 9))
    torch.testing.assert_close(again(ids), model(ids))
    assert opened.license == "mit"
    assert opened.marks == ("<|endoftext|>", "<|endoftext|>", (V - 1,), False, FRAME)
    for text in nasty_texts(50):
        expected = ENCODING.encode(text, allowed_special="all")
        assert opened.encoding.encode(text, allowed_special="all") == expected


@every_config
@torch.no_grad()
def test_llama_cpp_gives_the_same_logits(name: str, tmp_path: Path) -> None:
    llama_cpp = pytest.importorskip("llama_cpp")
    model = random_model(CONFIGS[name])
    path = written(tmp_path, model)
    settings = {"n_ctx": 48, "n_threads": 1, "verbose": False, "logits_all": True}
    theirs = llama_cpp.Llama(str(path), type_k=0, type_v=0, **settings)
    text = "the cat sat on 고양이 365"
    ids = theirs.tokenize(text.encode())
    assert ids == ENCODING.encode(text)
    theirs.eval(ids)
    found, expected = torch.tensor(theirs.scores[: len(ids)]), model(torch.tensor([ids]))[0]
    assert (found - expected).abs().max() < 5e-3 * expected.abs().max()


@pytest.mark.parametrize(("kind", "most"), [("F16", 1e-3), ("Q8_0", 0.01)])
def test_fewer_bits_cost_little(kind: str, most: float, tmp_path: Path) -> None:
    model = random_model(small_config("llama", V, d_hidden=80))  # rows of 80: no whole blocks
    opened = open_gguf(written(tmp_path, model, kind))
    for ours, values in model._weights().items():
        apart = (opened.weights()[ours] - values).norm() / values.norm()
        assert apart < most, ours
    assert opened.raw("blk.0.ffn_down.weight")[0] == "F16"
    assert opened.raw("blk.0.ffn_up.weight")[0] == kind
    assert opened.raw("output_norm.weight")[0] == "F32"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"norm": "dyt"}, "norm='dyt'"),
        ({"norm": "rmsnorm"}, "norm='rmsnorm'"),
        ({"norm_position": "post"}, "norm_position='post'"),
        ({"activation": "relu"}, "activation='relu'"),
        ({"activation": "swiglu"}, "activation='swiglu'"),
        ({"positions": "none"}, "no positions"),
        ({"qk_norm": True}, "qk_norm=True"),
        ({"d_head": 20}, "d_head=20"),
        ({"positions": "rotary", "rotary_scaling": (8.0, 1.0, 4.0, 64)}, "rotary_scaling"),
        ({"qkv_bias": False}, "qkv_bias=False"),
        ({"vocab_size": 100}, "they don't belong together"),
    ],
    ids=str,
)
def test_what_the_format_can_not_hold_is_refused_by_name(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with torch.device("meta"):
        model = GPT(GPTConfig(**{**OLD, **changes}))
    with pytest.raises(ValueError, match=said):
        written(tmp_path, model)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("changes", [{"rotary_scaling": (8.0, 1.0, 4.0, 8192)}], ids=str)
def test_qwens_are_not_stretched(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rotary_scaling"):
        written(tmp_path, random_model(small_config("qwen3", V, **changes)))


def test_nothing_is_left_of_what_failed(tmp_path: Path) -> None:
    model = random_model(CONFIGS["gpt2"])
    path = written(tmp_path, model)
    before = path.read_bytes()
    with torch.no_grad():
        model.blocks[1].feed_forward.up.weight[0, 0] = 1e6
    with pytest.raises(ValueError, match="too large for F16"):
        written(tmp_path, model, "F16")
    with pytest.raises(ValueError, match="The kind is 'Q2_K'"):
        written(tmp_path, model, "Q2_K")
    unended = Vocabulary(VOCABULARY.tokens, VOCABULARY.marks, VOCABULARY.merges, "gpt-2")
    with pytest.raises(ValueError, match="no mark that ends a text"):
        written(tmp_path, model, vocabulary=unended)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
