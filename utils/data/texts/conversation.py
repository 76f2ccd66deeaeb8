"""A conversation with a model: what was said, and the answer that is being written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from utils.data.texts.models import Message, TextModel
from utils.data.texts.writing import Settings, Writing

__all__ = ["Conversation"]


class Conversation:
    """Messages that follow each other, under settings that may change between two of them.

    >>> from utils.data.texts.models import open_model
    >>> talk = Conversation(open_model("stories"), Settings(temperature=0))  # doctest: +SKIP
    >>> for piece in talk.ask("Mina had a blue"):                            # doctest: +SKIP
    ...     print(piece, end="")
    """

    def __init__(
        self, opened: TextModel, settings: Settings | None = None, system: str = ""
    ) -> None:
        self.opened, self.settings = opened, settings or Settings()
        self._rules: list[Message] = [{"role": "system", "content": system}] if system else []
        self.messages: list[Message] = list(self._rules)
        self.writing: Writing | None = None

    def ask(self, text: str) -> Iterator[str]:
        """The pieces of the answer, as they come; it is kept as far as it was written.

        Raises ValueError, and keeps nothing, for a text that the model can't read.
        """
        asked: Message = {"role": "user", "content": text}
        prompt = self.opened.encode_chat([*self.messages, asked])
        self.writing = Writing(self.opened, prompt, self.settings)
        self.messages.append(asked)
        return self._answer(self.writing, self.messages)

    def _answer(self, writing: Writing, messages: list[Message]) -> Iterator[str]:
        try:
            yield from writing
        finally:
            writing.stop()
            messages.append({"role": "assistant", "content": writing.text})
            if self.settings.seed is not None:  # else the same words again get the same answer
                self.settings = replace(self.settings, seed=self.settings.seed + 1)

    def stop(self) -> None:
        """End the answer that is being written, before its next token."""
        if self.writing is not None:
            self.writing.stop()

    def cut(self) -> bool:
        """Whether the last answer ended because it had as many tokens as the settings allow."""
        most, writing = self.settings.max_tokens, self.writing
        return most is not None and writing is not None and len(writing.ids) >= most

    def set(self, **changes: Any) -> None:
        """Change settings from the next answer on. Raises ValueError for what makes no sense."""
        self.settings = replace(self.settings, **changes)

    def reset(self) -> None:
        """Forget all that was said; the rules and the settings stay."""
        self.messages = list(self._rules)
