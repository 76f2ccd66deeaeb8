"""`course train --from MODEL`, with LoRA and without, and for texts of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers.trainings import course_train, write

from utils.course.training import choosing, preparing, starting
from utils.course.training.settings import Settings
from utils.data.texts.models import open_model
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.tokenizer.bpe import train_bpe
from utils.llm.tokenizer.files import save_encoding
from utils.llm.tokenizer.hf import PartialEncoding
from utils.llm.training.snapshots import load_snapshot

FROM = "--steps 4 --batch-size 2 --context 16 --device cpu --snapshot-every 2".split()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of today's kind with an encoding beside it."""
    folder = tmp_path_factory.mktemp("base")
    encoding = train_bpe("apple and pear, " * 50 + "사과와 배", 280)
    sizes = {"context_length": 64, "n_layers": 1, "n_heads": 2, "n_kv_heads": 1, "d_model": 16}
    modern = {"norm": "rmsnorm", "activation": "swiglu", "positions": "rotary", "bias": False}
    torch.manual_seed(0)
    model = GPT(GPTConfig(encoding.n_vocab, **sizes, **modern))
    model.save(folder / "model.safetensors", tokenizer=encoding.name)
    save_encoding(encoding, folder / "tokenizer.json")
    return folder


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write(tmp_path / "own.txt", "pear")


def test_all_of_a_model_goes_on_learning(base: Path, text: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = course_train("--corpus", text, "--from", base, "--out", out, *FROM)
    assert done.exit_code == 0, done.output
    assert "all of it learns" in done.output
    assert "before it learns: validation" in done.output
    before, after = open_model(base), open_model(out)
    assert after.encode("pear 사과") == before.encode("pear 사과")
    assert after.model.config == before.model.config
    weights = before.model.state_dict()
    assert all(not torch.equal(w, weights[name]) for name, w in after.model.state_dict().items())
    longer = course_train("--out", out, "--resume", "--steps", 6)
    assert longer.exit_code == 0, longer.output


def test_lora_learns_beside_it_and_is_small(base: Path, text: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["--corpus", text, "--from", base, "--lora", "--rank", 2, "--out", out, *FROM]
    done = course_train(*words)
    assert done.exit_code == 0, done.output
    assert "of them learn" in done.output
    assert not (out / "model.safetensors").exists()
    assert (out / "adapter.safetensors").stat().st_size < (
        base / "model.safetensors"
    ).stat().st_size
    assert all(name.endswith((".a", ".b")) for name in load_snapshot(out / "snapshot.pt")["model"])
    before, after = open_model(base), open_model(out)
    learned = after.model.state_dict()
    changed = {k for k, w in before.model.state_dict().items() if not torch.equal(w, learned[k])}
    parts = ("qkv.weight", "out.weight", "up.weight", "gate.weight", "down.weight")
    assert len(changed) == len(parts)
    assert all(name.endswith(parts) for name in changed)
    assert not any(p.requires_grad for p in after.model.parameters())
    straight = course_train(*words, "--steps", 7, "--fresh")
    assert straight.exit_code == 0


@pytest.mark.parametrize("lora", [(), ("--lora", "--rank", 2)], ids=["whole", "lora"])
def test_bytes_that_a_model_has_no_token_for(
    lora: tuple[object, ...], base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of a model gets rows for them; beside a model they are left out."""
    whole = open_model(base).encoding
    few = {bytes([n]): n for n in range(256)} | {b"\xff": 257}
    partial = PartialEncoding(
        "few",
        n_bytes_missing=1,
        pat_str=whole._pat_str,
        mergeable_ranks=few,
        special_tokens={"<|endoftext|>": 256},
    )
    sizes = {"vocab_size": 257, "n_layers": 1, "n_heads": 1, "d_model": 8, "context_length": 32}
    begun = starting.Start(GPT(GPTConfig(**sizes)), partial, "mark")
    for module in (starting, preparing):
        monkeypatch.setattr(module, "open_start", lambda settings: begun)
    text = write(tmp_path / "a.txt", "pear")
    done = course_train("--corpus", text, "--from", base, *lora, "--out", tmp_path / "r", *FROM)
    assert done.exit_code == 0, done.output
    assert f"tokens of {257 if lora else 258}" in done.output
    if not lora:
        opened = open_model(tmp_path / "r")
        assert opened.model.config.vocab_size == opened.encoding.n_vocab == 258


def test_another_model_in_its_place_is_refused(base: Path, text: Path, tmp_path: Path) -> None:
    start, out = tmp_path / "start", tmp_path / "run"
    start.mkdir()
    for path in base.iterdir():
        (start / path.name).write_bytes(path.read_bytes())
    words = ["--corpus", text, "--from", start, "--lora", "--out", out, *FROM]
    assert course_train(*words).exit_code == 0
    model = GPT.load(start / "model.safetensors")
    with torch.no_grad():
        model.final_norm.weight.add_(1)
    model.save(start / "model.safetensors")
    refused = course_train("--out", out, "--resume", "--steps", 9)
    assert refused.exit_code == 2, refused.output
    assert "is another model now" in refused.output
    with pytest.raises(ValueError, match="learned beside another model"):
        open_model(out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "no-such.gguf"], "no-such.gguf"),
        (["--from", "stories"], "knows the words of the story world alone"),
        (["--from", "sums-direct"], "put its tokenizer.json beside the weights"),
    ],
)
def test_what_can_not_be_begun_from(
    words: list[str], said: str, text: Path, tmp_path: Path
) -> None:
    refused = course_train("--corpus", text, *words, "--out", tmp_path / "run", *FROM)
    assert refused.exit_code in (1, 2), refused.output
    assert said in refused.output
    assert "Traceback" not in refused.output
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_korean_text_from_tokenizer_to_sample(tmp_path: Path) -> None:
    text, out = tmp_path / "노트.txt", tmp_path / "모델"
    lines = [f"{n}번째 날, 나는 사과를 {n % 7}개 먹었다. 비가 왔다.\n" for n in range(300)]
    text.write_bytes("".join(lines).replace("\n", "\r\n").encode("utf-16"))
    done = course_train("--corpus", text, "--out", out, "--steps", 30, "--device", "cpu")
    assert done.exit_code == 0, done.output
    opened = open_model(out)
    assert opened.decode(opened.encode(lines[3])) == lines[3]
    assert len(opened.encode(lines[3])) < len(lines[3])
    ids = torch.tensor([opened.encode("나는 사과를")])
    assert opened.model(ids).shape[-1] == opened.encoding.n_vocab
    assert "노트.txt" in (out / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("n_bytes", [1_000, 50_000, 300_000, 10**6, 10**7, 10**9])
def test_what_is_chosen_for_a_size_can_be_built(n_bytes: int) -> None:
    chosen = choosing.choose(Settings(corpus="a.txt"), n_bytes)
    config = chosen.model_config(chosen.vocab_size)
    assert chosen.train_config().steps >= 300
    said = " ".join(choosing.told(chosen, config, n_bytes))
    assert f"width {config.d_model}" in said
    assert "to be hoped for" in said
    given = choosing.choose(Settings(corpus="a.txt", steps=7, dropout=0.5, warm_up=3), n_bytes)
    assert (given.steps, given.dropout, given.warm_up) == (7, 0.5, 3)


def test_a_text_without_spaces_is_learned_from_in_parts() -> None:
    dice = torch.Generator().manual_seed(0)
    letters = torch.randint(97, 123, (3_000_000,), generator=dice, dtype=torch.uint8)
    text = letters.numpy().tobytes().decode()
    part = preparing._sample(text)
    assert len(text) // 64 < len(part) <= max(preparing._LEAST_CHUNKS, len(text) // 32)
    words = "an apple a day keeps the doctor away. " * 40_000
    assert preparing._sample(words) is words


def test_compressors_have_read_the_same_before() -> None:
    text = "".join(f"{n * n} is a square, and {n} is not.\n" for n in range(2000))
    found = preparing._compressed(text, text[:3000])
    assert set(found) == {"bz2", "xz"}
    assert found["xz"] < 0.5 < preparing._compressed("nothing\n", text[:3000])["xz"]
