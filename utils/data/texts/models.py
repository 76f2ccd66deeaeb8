"""A model that reads and writes text: weights, and the tokenizer that they were trained with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import tiktoken
import torch

from utils.data.instructions import tasks as instructions
from utils.data.storyworld import tokens as story_tokens
from utils.data.storyworld import world as storyworld
from utils.data.texts.real_models import REAL_MODELS, kept_model
from utils.llm.gpt import checkpoints, hf
from utils.llm.gpt.gguf import open_gguf
from utils.llm.gpt.model import GPT
from utils.llm.sampling.fast import FastGPT, with_precision
from utils.llm.sampling.packed import model_of
from utils.llm.tokenizer.bpe import gpt2_encoding
from utils.llm.tokenizer.files import load_encoding
from utils.llm.tokenizer.frame import Frame
from utils.llm.tokenizer.hf import Marks, encoding_from_hf, marks_from_hf, words_from_hf
from utils.llm.tokenizer.streaming import Decoder, TextDecoder, WordDecoder
from utils.llm.tuning.lora import load_lora, merge_lora

__all__ = ["DEFAULT", "Message", "TextModel", "open_model"]

DEFAULT = "stories"
ADAPTER = "adapter.safetensors"
STORIES, INSTRUCT = "stories", "stories-instruct"
ROLES = ("system", "user", "assistant")
_BEFORE = {storyworld.END, instructions.ASSISTANT}  # behind them a text begins
_ANSWER = 256  # tokens of the context that a long conversation leaves for its answer

Message = Mapping[str, str]  # {"role": one of ROLES, "content": the text}


@dataclass(frozen=True, eq=False)
class TextModel:
    """A model with its way from text to tokens and back.

    `encode(text)` gives the ids of a text to go on with, a start mark in front where the model was
    trained with one; `decode(ids)` the text of ids, for reading. `encode_chat(messages)` gives the
    ids of a conversation up to where the answer begins. `decoder(prompt_ids)` makes what turns
    the tokens after them into text, one by one. A token of `stop_ids` ends a text. `encoding` is
    the tokenizer, None where tokens are whole words; `marks` is what came with it of marks and
    the frame of a conversation.

    Models that complete are given a conversation as its texts, one below the other; story models,
    which learned from single stories and requests, its last text alone, behind the rules of a
    system message where they know such.

    `encode` and `encode_chat` raise ValueError for words that the model does not have.
    """

    model: GPT | FastGPT
    encode: Callable[[str], list[int]]
    decode: Callable[[Iterable[int]], str]
    stop_ids: tuple[int, ...]
    name: str
    encode_chat: Callable[[Sequence[Message]], list[int]]
    decoder: Callable[[Sequence[int]], Decoder]
    encoding: tiktoken.Encoding | None = None
    marks: Marks | None = None

    @property
    def context_length(self) -> int:
        """The most tokens that it reads at once."""
        return self.model.config.context_length

    @property
    def title(self) -> str:
        """The name, and what the weights are kept in where they are narrow."""
        return self.name if self.precision == "float32" else f"{self.name} ({self.precision})"

    @property
    def precision(self) -> str:
        """What its weights are kept in."""
        return getattr(self.model, "precision", "float32")


def open_model(
    name_or_path: str | os.PathLike[str] = DEFAULT,
    device: str | torch.device = "cpu",
    precision: str = "float32",
) -> TextModel:
    """A model by the name of one that comes with the course, by its path, or from Hugging Face.

    A path is a folder that `course train` left, the file of weights in it, a GGUF file, or a
    folder in the format of Hugging Face's GPT-2, Llama or Qwen; none needs a network. "smollm2" is
    the real chat model that `course fetch` brings. Another name, as "gpt2", is downloaded once.

    In another `precision` than "float32", "int4", "int8" or "bfloat16", the model reads and writes
    faster, and is no `GPT` that can be trained; "auto" takes a file of 4 bits as it is, another as
    float32. What this machine can't do becomes the next wider one.

    Raises FileNotFoundError, ValueError, ConnectionError or ImportError, saying what to do.
    """
    path, name = Path(name_or_path), str(name_or_path)
    if path.is_dir():
        opened = _open_folder(path)
    elif path.suffix == ".gguf" or name in REAL_MODELS:
        opened = _open_gguf(path if path.suffix == ".gguf" else _fetched(name), name, precision)
    elif path.is_file() or path.suffix == ".safetensors":
        opened = _of_course(GPT.load(path), path.parent, path.stem)
    elif name in checkpoints.shipped():
        opened = _of_course(GPT.load(name), checkpoints.SHIPPED, name)
    elif path.parent != Path() and not _may_be_on_the_hub(name):
        raise FileNotFoundError(f"There is no folder {path}; this one is {Path.cwd()}.")
    else:
        opened = _open_hub(name)
    opened.model.to(device)
    if precision in ("auto", opened.precision):
        return opened
    return replace(opened, model=with_precision(opened.model, precision))


def _fetched(name: str) -> Path:
    path = kept_model(name)
    if path is None:
        raise FileNotFoundError(
            f"{name} is not on this machine yet: `course fetch {name}` brings it, once, 93 MB."
        )
    return path


def _open_gguf(path: Path, name: str, precision: str) -> TextModel:
    """A model with its own tokenizer and its own frame of a conversation, all in one file."""
    file = open_gguf(path)
    model = model_of(file, precision)
    if file.encoding is None:
        return _of_known_words(model, file.words, name)
    return _framed(model, file.encoding, name, file.marks)


def _framed(model: GPT, encoding: tiktoken.Encoding, name: str, marks: Marks) -> TextModel:
    """Text in pieces of bytes, framed by the marks and the template that came with the model."""
    opened = _of_encoding(model, encoding, name, marks.ends)
    if marks.begins:
        first = encoding.encode(marks.bos, allowed_special="all")
        opened = replace(opened, encode=lambda text: [*first, *encoding.encode_ordinary(text)])
    if marks.template is None:
        return replace(opened, marks=marks)
    frame = Frame(marks.template, marks.bos, marks.eos)

    def encode_turns(turns: Sequence[Message]) -> list[int]:
        return encoding.encode(frame.render(turns), allowed_special="all")

    return replace(opened, marks=marks, encode_chat=partial(_recent, encode_turns, model))


def _recent(
    encode: Callable[[Sequence[Message]], list[int]], model: GPT, messages: Sequence[Message]
) -> list[int]:
    """The ids of the latest messages that leave room for an answer, with the rule before all."""
    turns = list(_checked(messages))
    room = max(1, model.config.context_length - min(_ANSWER, model.config.context_length // 2))
    rule = turns[:1] if turns[0]["role"] == "system" else []
    first, last = len(rule), max(len(rule), len(turns) - 1)
    if len(ids := encode(turns)) <= room:
        return ids
    while first < last:  # the more messages, the more ids: halve, for conversations can be long
        middle = (first + last) // 2
        if len(encode([*rule, *turns[middle:]])) <= room:
            last = middle
        else:
            first = middle + 1
    return encode([*rule, *turns[last:]])


def _may_be_on_the_hub(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith((".", "/", "~"))


def _open_folder(folder: Path) -> TextModel:
    weights, described = folder / "model.safetensors", folder / "config.json"
    if (folder / ADAPTER).is_file():
        return _open_adapted(folder)
    if not weights.is_file():
        unfinished = (folder / "snapshot.pt").is_file()
        raise FileNotFoundError(
            f"The training in {folder} has not finished: course train --out {folder} --resume goes "
            "on with it."
            if unfinished
            else f"The folder {folder} has no model.safetensors: give one that `course train` "
            "left, or one in the format of Hugging Face."
        )
    name = folder.resolve().name
    if described.is_file() and "model_type" in _json(described):
        checkpoints.say_unchecked(weights)
        return _of_hf(GPT.from_hf(folder), folder, name)
    return _of_course(GPT.load(weights), folder, name)


def _open_adapted(folder: Path) -> TextModel:
    """A model with what `course train --lora` learned beside it, written into its weights."""
    start = _json(folder / "config.json").get("start")
    if not isinstance(start, str) or not start:
        raise FileNotFoundError(
            f"{folder} does not tell which model its {ADAPTER} was learned beside: where a "
            f"training began anew there, course train --out {folder} --resume goes on with it."
        )
    opened = open_model(start)
    merge_lora(load_lora(opened.model, folder / ADAPTER))
    opened.model.requires_grad_(False).eval()
    return replace(opened, name=folder.resolve().name)


def _open_hub(name: str) -> TextModel:
    try:
        model = GPT.from_hf(name)
    except (OSError, ImportError) as error:
        known = ", ".join(checkpoints.shipped()) or "none yet"
        raise type(error)(f"{error} With the course come: {known}.") from error
    try:
        encoding = encoding_from_hf(hf.fetch(name, "tokenizer.json").parent)
    except (OSError, ValueError):
        encoding = _gpt2_encoding(model, name)
    return _of_encoding(model, encoding, name, (encoding.eot_token,))


def _of_hf(model: GPT, folder: Path, name: str) -> TextModel:
    """A folder of Hugging Face's, its tokenizer theirs, or the course's where we exported it."""
    if _is_ours(folder / "tokenizer.json"):
        return _of_course(model, folder, name)
    words, marks = words_from_hf(folder), marks_from_hf(folder)
    if words is not None:
        return _of_known_words(model, words, name)
    try:
        encoding = encoding_from_hf(folder)
    except FileNotFoundError:
        encoding = _gpt2_encoding(model, name)
    ends = tuple(end for end in marks.ends if end < encoding.n_vocab) or _ends(encoding)
    return _framed(model, encoding, name, marks._replace(ends=ends))


def _gpt2_encoding(model: GPT, name: str) -> tiktoken.Encoding:
    if model.tokenizer != "gpt2":
        raise ValueError(
            f"{name} comes without its tokenizer, and its {model.config.vocab_size:,} tokens are "
            "not GPT-2's 50,257: put its tokenizer.json beside the weights."
        )
    return gpt2_encoding()


def _is_ours(path: Path) -> bool:
    return path.is_file() and not {"model", "pre_tokenizer"} <= _json(path).keys()


def _of_course(model: GPT, folder: Path, name: str) -> TextModel:
    """Weights of our own: whole words, or an encoding that lies beside them."""
    beside = (folder / f"{name}.tokenizer.json", folder / "tokenizer.json")
    kept = next((path for path in beside if path.is_file()), None)
    if kept and model.tokenizer not in (STORIES, INSTRUCT):
        content = _json(kept)
        if content.get("kind") == "whole words":
            _check_run(model, "", kept)
            _check_words(content, kept)
            return _of_words(model, name)
        encoding = load_encoding(kept)
        _check_run(model, encoding.name, kept)
        return _of_encoding(model, encoding, name, _ends(encoding), start="\n")
    if model.tokenizer == "gpt2":
        encoding = gpt2_encoding()
        return _of_encoding(model, encoding, name, (encoding.eot_token,))
    if model.tokenizer in (STORIES, INSTRUCT):
        return _of_words(model, name)
    raise ValueError(
        f"{name} was trained with the tokenizer {model.tokenizer!r}, which is not here: put its "
        "tokenizer.json beside the weights."
    )


def _json(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no object")
    except ValueError as error:
        raise ValueError(f"{path} can't be read as JSON ({error}).") from error
    return content


def _check_run(model: GPT, tokenizer: str, path: Path) -> None:
    """A training of ours gives its tokenizer a name of its own, which its weights know."""
    if model.tokenizer not in ("", "gpt2", tokenizer):
        raise ValueError(
            f"{path} is not of the training that the weights beside it are of: they were trained "
            f"with the tokenizer {model.tokenizer!r}. Train anew."
        )


def _check_words(content: Mapping[str, object], path: Path) -> None:
    if content.get("words") != list(story_tokens.VOCABULARY):
        raise ValueError(
            f"{path} lists other words than this version of the story world has: train anew."
        )


def _ends(encoding: tiktoken.Encoding) -> tuple[int, ...]:
    specials = encoding._special_tokens
    return (specials[storyworld.END],) if storyworld.END in specials else ()


def _check_size(model: GPT, n_tokens: int, name: str) -> None:
    if model.config.vocab_size < n_tokens:
        raise ValueError(
            f"{name} knows {model.config.vocab_size:,} tokens and its tokenizer {n_tokens:,}: they "
            "don't belong together."
        )


def _of_encoding(
    model: GPT,
    encoding: tiktoken.Encoding,
    name: str,
    stop_ids: tuple[int, ...],
    start: str = "",
) -> TextModel:
    """Text in pieces of bytes. A conversation is its texts, one below the other."""
    _check_size(model, encoding.n_vocab, name)
    first = encoding.encode_ordinary(start) or list(stop_ids)
    ends = frozenset(stop_ids)

    def encode(text: str) -> list[int]:
        return encoding.encode_ordinary(text) or first

    def encode_turns(turns: Sequence[Message]) -> list[int]:
        return encode("\n".join(message["content"] for message in turns))

    def decode(ids: Iterable[int]) -> str:
        decoder = TextDecoder(encoding)
        return "".join(decoder.push(i) for i in ids if int(i) not in ends) + decoder.flush()

    return TextModel(
        model,
        encode,
        decode,
        stop_ids,
        name,
        partial(_recent, encode_turns, model),
        lambda prompt=(): TextDecoder(encoding),
        encoding,
    )


def _of_known_words(model: GPT, words: Sequence[str], name: str) -> TextModel:
    """A model that was exported with its words, if they are those of this course."""
    known = {STORIES: story_tokens.VOCABULARY, INSTRUCT: instructions.VOCABULARY}
    kind = next((kind for kind, own in known.items() if tuple(own) == tuple(words)), None)
    if kind is None:
        raise ValueError(
            f"{name} reads {len(words):,} whole words, and not those of this version of the story "
            "world."
        )
    model.tokenizer = kind
    return _of_words(model, name)


def _of_words(model: GPT, name: str) -> TextModel:
    """Whole words of the story world. A text begins behind the end mark of the one before."""
    obeys = model.tokenizer == INSTRUCT
    words = instructions.VOCABULARY if obeys else story_tokens.VOCABULARY
    to_ids = partial(instructions.encode, marks=True) if obeys else story_tokens.encode
    end = story_tokens.END_ID
    _check_size(model, len(words), name)

    def encode(text: str) -> list[int]:
        ids = to_ids(text)
        return ids if ids[:1] == [end] else [end, *ids]

    def decode(ids: Iterable[int]) -> str:
        return storyworld.prose([words[int(i)] for i in ids if int(i) != end])

    def decoder(prompt: Sequence[int] = ()) -> WordDecoder:
        fresh = WordDecoder(words, closing=".,:?")
        for token in prompt:
            fresh.flush() if words[token] in _BEFORE else fresh.push(token)
        return fresh

    def encode_chat(messages: Sequence[Message]) -> list[int]:
        *before, last = _checked(messages)
        if obeys:
            rules = [message for message in before if message["role"] == "system"]
            return instructions.chat_ids([*rules, last])
        return encode(last["content"])

    return TextModel(model, encode, decode, (end,), name, encode_chat, decoder)


def _checked(messages: Sequence[Message]) -> Sequence[Message]:
    """The messages, if there are any and the last one is to be answered."""
    if not messages or messages[-1]["role"] == "assistant":
        raise ValueError("The last message must be the user's: it is what is answered.")
    return messages
