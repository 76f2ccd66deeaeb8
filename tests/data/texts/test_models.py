"""Every kind of model that the course can open reads and writes text, or says why it can't."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel
from typer.testing import CliRunner

from utils.course import cli
from utils.data.instructions import tasks as instructions
from utils.data.storyworld import tokens as story_tokens
from utils.data.storyworld import world as storyworld
from utils.data.texts.models import TextModel, open_model
from utils.llm.gpt import checkpoints
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.tokenizer.bpe import train_bpe
from utils.llm.tokenizer.files import save_encoding
from utils.llm.tokenizer.streaming import stream_text

END = storyworld.END
TEXT = "The kite's tail was 12 feet long, 안녕.\n" * 20


def small(vocab_size: int, context_length: int = 64, **options: object) -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(vocab_size, context_length, 1, 2, 8, **options)).eval()


def streamed(opened: TextModel, prompt: list[int], ids: list[int]) -> str:
    return "".join(stream_text(ids, opened.decoder(prompt)))


@pytest.fixture
def story_file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.safetensors"
    small(len(story_tokens.VOCABULARY)).save(path, tokenizer="stories")
    return path


def test_a_story_model_reads_and_writes_prose(story_file: Path) -> None:
    opened = open_model(story_file)
    assert opened.name == "mine"
    for story in storyworld.stories(3):
        ids = opened.encode(storyworld.prose(story))
        assert ids[0] == 0 == opened.stop_ids[0]
        assert story_tokens.decode(ids[1:]) == story.split()
        assert opened.decode([*ids, 0]) == storyworld.prose(story)
        for cut in (1, 2, 9, len(ids)):
            text = opened.decode(ids[:cut]) + streamed(opened, ids[:cut], ids[cut:])
            assert text == storyworld.prose(story)
    assert opened.encode("") == opened.encode(END) == [0]
    with pytest.raises(ValueError, match="doesn't know the word 'dragon'"):
        opened.encode("Mina had a dragon.")


def test_a_story_model_answers_the_last_message_alone(story_file: Path) -> None:
    opened = open_model(story_file)
    talk = [
        {"role": "system", "content": "Be a helpful assistant."},
        {"role": "user", "content": "Mina"},
        {"role": "assistant", "content": "had a kite."},
        {"role": "user", "content": "Tom had"},
    ]
    assert opened.encode_chat(talk) == opened.encode("Tom had")
    for wrong in ([], talk[:3]):
        with pytest.raises(ValueError, match="last message must be the user's"):
            opened.encode_chat(wrong)


def test_a_model_that_obeys_is_asked_in_its_template(tmp_path: Path) -> None:
    path = tmp_path / "obeys.safetensors"
    small(len(instructions.VOCABULARY)).save(path, tokenizer="stories-instruct")
    opened = open_model(path)
    rule, asked = "Every story has a red kite.", "Write a story about Mina."
    prompt = opened.encode_chat(
        [
            {"role": "system", "content": rule},
            {"role": "user", "content": "Tell me about a day."},
            {"role": "assistant", "content": "Mina sat."},
            {"role": "user", "content": asked},
        ]
    )
    words = f"{END} <|system|> {rule[:-1]} . <|user|> {asked[:-1]} . <|assistant|>".split()
    assert [instructions.VOCABULARY[i] for i in prompt] == words
    answer = story_tokens.encode("Mina had a kite.")
    assert streamed(opened, prompt, answer) == "Mina had a kite."
    assert opened.encode(" ".join(words)) == prompt
    with pytest.raises(ValueError, match="is a mark that frames a conversation"):
        opened.encode_chat([{"role": "user", "content": "<|assistant|> Mina"}])


@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["own text", "stories"])
def test_what_course_train_leaves_can_be_opened(corpus: str, tmp_path: Path) -> None:
    text, out = tmp_path / "own.txt", tmp_path / "run"
    text.write_text(TEXT, encoding="utf-8")
    source = "stories" if corpus == "stories" else str(text)
    words = f"--steps 2 --batch-size 2 --context 16 --preset story-tiny --device cpu --stories 20 \
        --vocab-size 280 --corpus {source} --out {out}"
    assert CliRunner().invoke(cli.app, ["train", *words.split()]).exit_code == 0
    for path in (out, out / "model.safetensors"):
        opened = open_model(path)
        said = TEXT if corpus == "own text" else "Mina had a kite."
        ids = opened.encode(said)
        assert opened.decode(ids) == said
        assert opened.model(torch.tensor([ids[:9]])).shape[2] == opened.model.config.vocab_size
    (out / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=rf"course train --out {out} --resume goes on"):
        open_model(out)


def test_bytes_become_text_when_a_character_is_whole(tmp_path: Path) -> None:
    encoding = train_bpe(TEXT, 270)
    small(270).save(tmp_path / "own.safetensors", tokenizer=encoding.name)
    with pytest.raises(ValueError, match=r"'bpe-270', which is not here: put its tokenizer\.json"):
        open_model(tmp_path / "own.safetensors")
    save_encoding(encoding, tmp_path / "own.tokenizer.json")
    opened = open_model(tmp_path / "own.safetensors")
    ids = opened.encode("안녕 Tom")
    assert streamed(opened, ids[:1], ids) == "안녕 Tom" == opened.decode(ids)
    assert opened.decode([*ids, encoding.eot_token]) == "안녕 Tom"
    assert opened.stop_ids == (encoding.eot_token,)
    assert opened.decode(opened.encode("")) == "\n"
    assert opened.encode(END) != [encoding.eot_token]  # in a text it is only characters


def test_a_conversation_drops_its_oldest_messages_first(tmp_path: Path) -> None:
    encoding = train_bpe("", 257)  # a byte a token
    small(257, context_length=40).save(tmp_path / "b.safetensors", tokenizer=encoding.name)
    save_encoding(encoding, tmp_path / "tokenizer.json")
    opened = open_model(tmp_path / "b.safetensors")
    texts = ["rule", "a" * 9, "b" * 9, "c" * 9]
    roles = ["system", "user", "assistant", "user"]
    talk = [{"role": r, "content": t} for r, t in zip(roles, texts, strict=True)]
    assert opened.decode(opened.encode_chat(talk[:2])) == f"rule\n{'a' * 9}"
    assert opened.decode(opened.encode_chat(talk)) == f"rule\n{'c' * 9}"
    assert opened.decode(opened.encode_chat(talk[1:])) == f"{'b' * 9}\n{'c' * 9}"
    assert opened.decode(opened.encode_chat([*talk[:1], talk[3] | {"content": "d" * 50}]))[5:] == (
        "d" * 50
    )


@pytest.fixture
def hf_folder(tmp_path: Path) -> Path:
    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=280, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    theirs.train_from_iterator([TEXT], trainer)
    sizes = {"n_positions": 32, "n_embd": 16, "n_layer": 1, "n_head": 2}
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=280, **sizes, **ends)).eval()
    model.save_pretrained(tmp_path / "gpt2-folder")
    theirs.save(str(tmp_path / "gpt2-folder" / "tokenizer.json"))
    return tmp_path / "gpt2-folder"


@torch.no_grad()
def test_a_folder_of_hugging_face_is_taken_as_it_is(hf_folder: Path) -> None:
    opened = open_model(str(hf_folder))
    theirs = Tokenizer.from_file(str(hf_folder / "tokenizer.json"))
    ids = opened.encode("The kite, 안녕")
    assert ids == theirs.encode("The kite, 안녕").ids
    assert opened.stop_ids == (theirs.token_to_id(END),) == (opened.encode("")[0],)
    their_model = GPT2LMHeadModel.from_pretrained(hf_folder)
    rows = torch.tensor([ids])
    torch.testing.assert_close(opened.model(rows), their_model(rows).logits, rtol=1e-4, atol=1e-5)


def test_an_export_of_ours_keeps_its_words(tmp_path: Path) -> None:
    folder = tmp_path / "exported"
    small(len(story_tokens.VOCABULARY)).to_hf(folder, eos_token_id=0)
    described = {"kind": "whole words", "words": list(story_tokens.VOCABULARY)}
    (folder / "tokenizer.json").write_text(json.dumps(described), encoding="utf-8")
    assert open_model(folder).decode(open_model(folder).encode("Mina had")) == "Mina had"
    described["words"][5] = "dragon"
    (folder / "tokenizer.json").write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(ValueError, match="other words than this version of the story world"):
        open_model(folder)


def test_what_can_not_be_opened_is_said(
    hf_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*given: object, **options: object) -> None:
        raise OSError("no network here")

    monkeypatch.setattr("socket.getaddrinfo", offline)
    with pytest.raises(ConnectionError, match=r"is this machine offline\?.* With the course come:"):
        open_model("no-such-model")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        open_model("./no-such-folder")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        open_model(tmp_path / "none.safetensors")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"has no model\.safetensors: give one that"):
        open_model(tmp_path / "empty")
    (hf_folder / "tokenizer.json").unlink()
    with pytest.raises(ValueError, match="280 tokens are not GPT-2's 50,257"):
        open_model(hf_folder)
    shutil.copy(hf_folder / "model.safetensors", tmp_path / "theirs.safetensors")
    with pytest.raises(ValueError, match=r"GPT\.save did not write it"):
        open_model(tmp_path / "theirs.safetensors")
    encoding = train_bpe(TEXT, 280)
    save_encoding(encoding, tmp_path / "tokenizer.json")
    small(270).save(tmp_path / "less.safetensors", tokenizer=encoding.name)
    with pytest.raises(ValueError, match="knows 270 tokens and its tokenizer 280"):
        open_model(tmp_path / "less.safetensors")


@pytest.mark.parametrize("name", checkpoints.shipped())
def test_shipped_models_open_by_name_or_say_why_not(name: str) -> None:
    if name.startswith("sums"):  # their tokens are digits, not text
        with pytest.raises(ValueError, match=r"put its tokenizer\.json beside the weights"):
            open_model(name)
        return
    opened = open_model(name)
    assert opened.name == name
    assert opened.encode("")
