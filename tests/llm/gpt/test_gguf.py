"""A GGUF file is opened as the model that it holds, and a damaged one is one error."""

from __future__ import annotations

import random
from pathlib import Path

import gguf
import pytest
import torch
from helpers.gguf_files import (
    nasty_texts,
    random_model,
    small_config,
    vocabulary,
    write_gguf,
)
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from utils.llm.gpt.gguf import open_gguf
from utils.llm.gpt.gguf_bytes import reader_of
from utils.llm.gpt.model import GPT
from utils.llm.tokenizer.splits import SPLITS

KINDS = ["llama", "qwen2", "qwen3"]
QUANTS = {"F32": 0.0, "F16": 1e-3, "Q8_0": 0.01, "Q5_1": 0.05, "Q5_0": 0.06, "Q4_1": 0.1}
QUANTS["Q4_0"] = 0.12


def small_file(folder: Path, kind: str = "llama", quant: str = "F32", **changes: object) -> Path:
    tokens = vocabulary()
    model = random_model(small_config(kind, len(tokens[0])))
    return write_gguf(folder / f"{kind}.gguf", kind, model, quant, tokens=tokens, **changes)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_the_weights_are_those_that_were_written(kind: str, tmp_path: Path) -> None:
    tokens = vocabulary()
    model = random_model(small_config(kind, len(tokens[0])))
    opened = open_gguf(write_gguf(tmp_path / "a.gguf", kind, model, tokens=tokens))
    assert opened.config == model.config
    weights, expected = opened.weights(), model._weights()
    assert weights.keys() == expected.keys()
    for name, values in expected.items():
        assert torch.equal(weights[name], values), name
    ids = torch.randint(model.config.vocab_size, (2, 9))
    again = GPT.of_weights(opened.config, weights, "", opened.path)
    torch.testing.assert_close(again(ids), model(ids))


@pytest.mark.parametrize("quant", ["F32", "Q4_1"])
def test_the_fast_reader_reads_what_the_packages_reads(quant: str, tmp_path: Path) -> None:
    path = small_file(tmp_path, quant=quant)
    ours, theirs = reader_of(path), gguf.GGUFReader(path)
    assert [(f.name, f.offset, f.types, f.contents()) for f in ours.fields.values()] == [
        (f.name, f.offset, f.types, f.contents()) for f in theirs.fields.values()
    ]
    assert [t.name for t in ours.tensors] == [t.name for t in theirs.tensors]
    for one, other in zip(ours.tensors, theirs.tensors, strict=True):
        assert one.data.dtype == other.data.dtype
        assert one.data.tolist() == other.data.tolist()


@pytest.mark.parametrize("quant", QUANTS)
def test_few_bits_cost_little(quant: str, tmp_path: Path) -> None:
    tokens = vocabulary()
    model = random_model(small_config("llama", len(tokens[0])))
    opened = open_gguf(write_gguf(tmp_path / "a.gguf", "llama", model, quant, tokens=tokens))
    weights, expected = opened.weights(), model._weights()
    for name in ("blocks.1.attention.qkv.weight", "token_embedding.weight"):
        apart = (weights[name] - expected[name]).norm() / expected[name].norm()
        assert apart <= QUANTS[quant], name
    norm = "blocks.0.norm_1.weight"
    assert torch.equal(weights[norm], expected[norm])


def test_q4_1_by_hand(tmp_path: Path) -> None:
    """32 weights in 20 bytes: scale, minimum, then 16 bytes with the low halves first."""
    opened = open_gguf(small_file(tmp_path, quant="Q4_1"))
    name = "blk.0.ffn_up.weight"
    block = opened._tensors[name].data[3, :20]
    scale, least = block[:4].view("float16").astype("float32")
    low, high = block[4:] & 15, block[4:] >> 4
    by_hand = [scale * q + least for q in [*low, *high]]
    assert opened.read(name)[3, :32].tolist() == pytest.approx(by_hand, abs=0)


def theirs(split: str, tokens: list[str], pairs: list[str]) -> Tokenizer:
    """The same tokenizer in Hugging Face's own program."""
    numbers = {token: i for i, token in enumerate(tokens)}
    model = models.BPE(vocab=numbers, merges=[tuple(pair.split(" ")) for pair in pairs])
    made = Tokenizer(model)
    whole = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if split == "smollm":
        steps = [pre_tokenizers.Digits(individual_digits=True), whole]
    elif split == "gpt-2":
        steps = [whole]
    else:
        cut = pre_tokenizers.Split(Regex(SPLITS[split]), "isolated")
        steps = [cut, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    made.pre_tokenizer = pre_tokenizers.Sequence(steps)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, normalized=False) for token in tokens[:3]])
    return made


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("without", [b"", b"\x04\x06\x1d\xc0\xf1\xf2"], ids=["all", "some"])
def test_the_same_ids_as_hugging_faces_tokenizers(
    split: str, without: bytes, tmp_path: Path
) -> None:
    tokens, pairs, types = vocabulary(without)
    model = random_model(small_config("llama", len(tokens)))
    changes = {"tokens": (tokens, pairs, types), "split": split}
    encoding = open_gguf(write_gguf(tmp_path / "a.gguf", "llama", model, **changes)).encoding
    assert encoding.n_vocab == len(tokens)
    other = theirs(split, tokens, pairs)
    for text in nasty_texts(1000):
        expected = other.encode(text, add_special_tokens=False).ids
        assert encoding.encode(text, allowed_special="all") == expected, repr(text)


def test_the_frame_of_a_conversation(tmp_path: Path) -> None:
    opened = open_gguf(small_file(tmp_path))
    said = opened.render([{"role": "user", "content": "안녕 {{ 1 + 1 }}"}])
    assert said == "<|im_start|>user\n안녕 {{ 1 + 1 }}<|im_end|>\n<|im_start|>assistant\n"
    assert (opened.bos_id, opened.eos_id) == (1, 2)
    assert opened.encoding.encode(said, allowed_special="all")[0] == 1


@pytest.mark.parametrize(
    "frame",
    [
        "{{ raise_exception('only one system message') }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{% for x in range(10**9) %}{% endfor %}",
        "{{ messages.append(1) }}",
        "{% if %}",
        "{{ messages[0]['content'] + 1 }}",
    ],
)
def test_a_frame_that_refuses_or_attacks_is_one_error(frame: str, tmp_path: Path) -> None:
    opened = open_gguf(small_file(tmp_path, frame=frame))
    with pytest.raises(ValueError, match="its frame refuses this conversation"):
        opened.render([{"role": "user", "content": "hello"}])


def test_what_is_not_known_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_gguf(tmp_path / "none.gguf")
    for changes, said in [
        ({"architecture": "mamba"}, "of the kind 'mamba'"),
        ({"split": "deepseek-r1"}, "cut as 'deepseek-r1'"),
    ]:
        with pytest.raises(ValueError, match=said):
            open_gguf(small_file(tmp_path, **changes))
    writer = gguf.GGUFWriter(tmp_path / "empty.gguf", "llama")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ValueError, match="says nothing of"):
        open_gguf(tmp_path / "empty.gguf")


def test_a_cut_or_damaged_file_is_one_error(tmp_path: Path) -> None:
    whole = small_file(tmp_path).read_bytes()
    path, draw = tmp_path / "damaged.gguf", random.Random(0)
    for size in [0, 3, 4, 23, *draw.sample(range(24, len(whole) - 64), 25)]:
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="is no GGUF file"):
            open_gguf(path)
    for place in draw.sample(range(24, 2500), 60):  # lengths, kinds and names of the header
        changed = bytearray(whole)
        changed[place : place + 8] = b"\xff" * 8
        path.write_bytes(changed)
        try:
            open_gguf(path)
        except ValueError:
            continue
