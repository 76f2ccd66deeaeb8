"""The frame of a conversation: a template in the language Jinja, which comes with a chat model.

It is a program of strangers, so it runs in Jinja's sandbox, with the few helpers that
transformers gives it too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

__all__ = ["Frame"]


class Frame:
    """A template, and the texts of the marks that begin and end a text.

    >>> frame = Frame("{{ bos_token }}{% for m in messages %}{{ m.content }}|{% endfor %}", "<s>")
    >>> frame.render([{"role": "user", "content": "Hello"}])
    '<s>Hello|'
    """

    def __init__(self, template: str, bos: str = "", eos: str = "") -> None:
        self.template, self._marks = template, {"bos_token": bos, "eos_token": eos}

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The conversation framed, up to where the model's answer begins.

        Raises ValueError where the template is none, or refuses the conversation.
        """
        try:
            return self._compiled.render(
                messages=[dict(message) for message in messages],
                tools=None,
                documents=None,
                add_generation_prompt=True,
                **self._marks,
            )
        except Exception as error:  # a stranger's program can raise anything
            raise ValueError(f"its frame refuses this conversation: {error}") from error

    @cached_property
    def _compiled(self) -> Any:
        from jinja2.ext import Extension, loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        class Generation(Extension):
            """A tag round what a model writes, which training asks for: it changes nothing."""

            tags = frozenset({"generation"})

            def parse(self, parser: Any) -> Any:
                next(parser.stream)
                return parser.parse_statements(("name:endgeneration",), drop_needle=True)

        world = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
        )
        world.filters["tojson"] = _as_json  # Jinja's own writes for a web page
        world.globals |= {"raise_exception": _refuse, "strftime_now": _now}
        return world.from_string(self.template)


def _as_json(value: Any, ensure_ascii: bool = False, **form: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, **form)


def _refuse(message: str) -> None:
    raise ValueError(message)


def _now(form: str) -> str:
    return datetime.now().strftime(form)
