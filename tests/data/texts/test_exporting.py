"""What is exported writes the same text in transformers and in llama.cpp, and opens here again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from helpers.gguf_files import TEXT, random_model, small_config, write_gguf
from transformers import AutoTokenizer, pipeline

from utils.data.instructions import tasks as instructions
from utils.data.storyworld import tokens as story_tokens
from utils.data.texts.exporting import export_gguf, export_hf, vocabulary_of
from utils.data.texts.models import TextModel, open_model
from utils.data.texts.real_models import kept_model
from utils.llm.gpt.model import GPTConfig
from utils.llm.sampling import generate, greedy
from utils.llm.tokenizer.bpe import train_bpe
from utils.llm.tokenizer.files import save_encoding
from utils.llm.tokenizer.vocabulary import Vocabulary

STORY = "Mina had a red kite."
TALK = [{"role": "system", "content": STORY}, {"role": "user", "content": "Mina had a kite."}]


def written(opened: TextModel, ids: list[int], count: int) -> str:
    """The likeliest text behind ids."""
    tokens = []
    for token in generate(opened.model, torch.tensor([ids]), count, greedy):
        if int(token) in opened.stop_ids:
            break
        tokens.append(int(token))
    decoder = opened.decoder(ids)
    return "".join(map(decoder.push, tokens)) + decoder.flush()


def model_of(kind: str, folder: Path) -> TextModel:
    """A model of each kind that is exported, its weights random."""
    if kind == "llama":
        return open_model(
            write_gguf(folder / "a.gguf", kind, random_model(small_config(kind, 302)))
        )
    words = {"stories": story_tokens.VOCABULARY, "stories-instruct": instructions.VOCABULARY}
    encoding = train_bpe(TEXT, 300)
    size = len(words[kind]) if kind in words else encoding.n_vocab
    model = random_model(GPTConfig(size, 48, 2, 4, 64))
    model.save(folder / "mine.safetensors", tokenizer=kind if kind in words else encoding.name)
    if kind not in words:
        save_encoding(encoding, folder / "mine.tokenizer.json")
    return open_model(folder / "mine.safetensors")


@pytest.mark.parametrize("kind", ["own text", "stories", "stories-instruct", "llama"])
def test_a_pipeline_of_transformers_writes_the_same(kind: str, tmp_path: Path) -> None:
    opened = model_of(kind, tmp_path)
    export_hf(opened, tmp_path / "hf")
    theirs = pipeline("text-generation", str(tmp_path / "hf"), device="cpu")
    prompt = "the cat sat" if kind in ("own text", "llama") else "Mina had a"
    settings = {"max_new_tokens": 12, "do_sample": False, "return_full_text": False}
    expected = written(opened, opened.encode(prompt), 12)
    shown = re.sub(r" ?<\|\w+\|>", "", expected)  # theirs leaves marks out of what is shown
    assert theirs(prompt, **settings)[0]["generated_text"].strip() == shown.strip()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "hf")
    for talk in (TALK, TALK[1:]):
        theirs = tokenizer.apply_chat_template(talk, add_generation_prompt=True, return_dict=False)
        assert theirs == opened.encode_chat(talk)
    again = open_model(tmp_path / "hf")
    assert again.encode(prompt) == opened.encode(prompt)
    assert again.encode_chat(TALK) == opened.encode_chat(TALK)
    assert again.stop_ids == opened.stop_ids
    assert written(again, again.encode(prompt), 12) == expected


@pytest.mark.parametrize("kind", ["own text", "stories", "stories-instruct", "llama"])
def test_a_gguf_file_opens_here_again(kind: str, tmp_path: Path) -> None:
    opened = model_of(kind, tmp_path)
    export_gguf(opened, tmp_path / "b.gguf", "F32")
    again = open_model(tmp_path / "b.gguf")
    ids = opened.encode("Mina had a kite." if kind.startswith("stories") else "고양이 12")
    assert again.encode(again.decode(ids)) == ids
    assert again.encode_chat(TALK) == opened.encode_chat(TALK)
    assert written(again, ids, 12) == written(opened, ids, 12)
    assert vocabulary_of(again).tokens == vocabulary_of(opened).tokens


@pytest.mark.parametrize("name", ["stories", "stories-instruct", "python-docs"])
def test_llama_cpp_writes_the_same(name: str, tmp_path: Path) -> None:
    llama_cpp = pytest.importorskip("llama_cpp")
    opened = open_model(name)
    export_gguf(opened, tmp_path / "a.gguf", "F32")
    theirs = llama_cpp.Llama(str(tmp_path / "a.gguf"), n_ctx=128, n_threads=1, verbose=False)
    prompt = "The value of the" if name == "python-docs" else "Mina had a"
    assert theirs.tokenize(prompt.encode(), add_bos=True) == opened.encode(prompt)
    found = theirs.create_completion(prompt, max_tokens=40, temperature=0, repeat_penalty=1.0)
    assert found["choices"][0]["text"] == written(opened, opened.encode(prompt), 40)


def test_a_foreign_frame_and_words_of_others_are_said(tmp_path: Path) -> None:
    model = random_model(small_config("llama", 302))
    path = write_gguf(tmp_path / "a.gguf", "llama", model, frame="{{ raise_exception('no') }}")
    with pytest.raises(ValueError, match="its frame refuses this conversation: no"):
        open_model(path).encode_chat(TALK)
    opened = model_of("stories", tmp_path)
    words = [word.replace("kite", "drake") for word in story_tokens.VOCABULARY]
    others = Vocabulary(words, {0}, bos_id=0, eos_id=0, begins=True)
    opened.model.to_hf(tmp_path / "hf", vocabulary=others)
    with pytest.raises(ValueError, match="not those of this version of the story world"):
        open_model(tmp_path / "hf")


@pytest.mark.slow
@pytest.mark.skipif(kept_model("smollm2") is None, reason="`course fetch smollm2` brings it")
def test_the_real_model_goes_out_and_comes_back(tmp_path: Path) -> None:
    opened = open_model("smollm2")
    export_gguf(opened, tmp_path / "real.gguf", "F16")
    again = open_model(tmp_path / "real.gguf")
    talk = [{"role": "user", "content": "What is the capital of France?"}]
    ids = opened.encode_chat(talk)
    assert again.encode_chat(talk) == ids
    assert again.encoding._mergeable_ranks == opened.encoding._mergeable_ranks
    assert "Paris" in written(again, ids, 10)


@pytest.mark.slow
@pytest.mark.skipif(kept_model("smollm2") is None, reason="`course fetch smollm2` brings it")
def test_others_write_what_the_real_model_writes(tmp_path: Path) -> None:
    """Greedily: transformers by its pipeline, llama.cpp by its own frame; no choice is near."""
    opened = open_model("smollm2")
    talk = [{"role": "user", "content": "What is the capital of France? Answer in one sentence."}]
    expected = written(opened, opened.encode_chat(talk), 16)
    export_hf(opened, tmp_path / "hf")
    theirs = pipeline("text-generation", str(tmp_path / "hf"), device="cpu", dtype=torch.float32)
    answered = theirs(talk, max_new_tokens=16, do_sample=False)[0]["generated_text"]
    assert answered[-1]["content"] == expected
    llama_cpp = pytest.importorskip("llama_cpp")
    export_gguf(opened, tmp_path / "real.gguf", "F16")
    other = llama_cpp.Llama(str(tmp_path / "real.gguf"), n_ctx=256, n_threads=1, verbose=False)
    settings = {"temperature": 0, "repeat_penalty": 1.0, "max_tokens": 16}
    found = other.create_chat_completion(talk, **settings)["choices"][0]["message"]
    assert found["content"] == expected
