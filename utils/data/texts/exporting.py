"""A model written for other programs, with all that it takes to read and write text."""

from __future__ import annotations

import os

from utils.data.instructions import tasks as instructions
from utils.data.storyworld import tokens as story_tokens
from utils.data.texts.models import INSTRUCT, TextModel
from utils.data.texts.real_models import REAL_MODELS
from utils.llm.gpt.card import ModelCard
from utils.llm.gpt.gguf_writing import write_gguf
from utils.llm.tokenizer.vocabulary import Vocabulary, open_encoding

__all__ = ["export_gguf", "export_hf", "vocabulary_of"]

# How each kind of model is given a conversation, as `TextModel.encode_chat` does.
_COMPLETING = "{{ messages | map(attribute='content') | join('\\n') }}"
_STORIES = "{{ eos_token }}{{ messages[-1]['content'] }}"
_OBEYING = (
    "{{ eos_token }}{% for message in messages[:-1] %}{% if message['role'] == 'system' %}"
    "<|system|>{{ message['content'] }}{% endif %}{% endfor %}"
    "<|user|>{{ messages[-1]['content'] }}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def vocabulary_of(opened: TextModel) -> Vocabulary:
    """The tokenizer of an opened model, laid open, and the frame of its conversations.

    Raises ValueError for a tokenizer that cuts texts in a way which other programs don't know.
    """
    if opened.encoding is None:
        return _words_of(opened.model.tokenizer == INSTRUCT)
    marks, end = opened.marks, (opened.stop_ids or (None,))[0]
    if marks is None:
        return open_encoding(opened.encoding, end, end, template=_COMPLETING)
    bos = opened.encoding._special_tokens.get(marks.bos)
    template = _COMPLETING if marks.template is None else marks.template
    return open_encoding(opened.encoding, bos, end, begins=marks.begins, template=template)


def _words_of(obeys: bool) -> Vocabulary:
    words = instructions.VOCABULARY if obeys else story_tokens.VOCABULARY
    marks = {story_tokens.END_ID, *instructions.MARKS.values()} if obeys else {story_tokens.END_ID}
    template = _OBEYING if obeys else _STORIES
    end = story_tokens.END_ID
    return Vocabulary(words, marks, bos_id=end, eos_id=end, begins=True, template=template)


def export_hf(
    opened: TextModel, folder: str | os.PathLike[str], card: ModelCard | None = None
) -> None:
    """A folder that transformers opens: `pipeline("text-generation", folder)` writes from it.

    Raises ValueError, naming it, for what none of its models has, OSError where it can't be
    written.
    """
    opened.model.to_hf(folder, card=card or _card(opened.name), vocabulary=vocabulary_of(opened))


def export_gguf(opened: TextModel, path: str | os.PathLike[str], kind: str = "F16") -> None:
    """One file that llama.cpp runs, its matrices kept as `kind`: F32, F16 or Q8_0.

    Raises ValueError and OSError as `export_hf` does.
    """
    about = {"name": opened.name}
    if real := REAL_MODELS.get(opened.name):
        about |= {"description": real.source, "license": real.license.lower()}
    model = opened.model
    write_gguf(path, model.config, model._weights(), vocabulary_of(opened), kind, about)


def _card(name: str) -> ModelCard | None:
    real = REAL_MODELS.get(name)
    if real is None:
        return None
    return ModelCard(name, data=f"{real.source}; its licence is {real.license}.")
