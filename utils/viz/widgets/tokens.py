"""The tokenizer playground: type a text, and watch its bytes merge into tokens."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import tiktoken

from utils.data.texts.real_models import kept_encodings
from utils.llm.tokenizer.bpe import explain_encoding, gpt2_encoding, gpt2_is_kept, split_text
from utils.viz.companion import Companion

# Two pale grounds in turn, each with a border of its own kind: told apart without colour too.
_GROUNDS = ("background:#D7EBF8;border:1px solid #0072B2", "background:#FFF;border:1px dashed #444")
_NEW = "background:#FFE3C2;border:2px solid #D55E00;font-weight:bold"
_LONGEST = 400
_FETCH = (
    "<code>course fetch smollm2</code> in a terminal brings the tokenizer of a real chat model"
    " (49,152 tokens) into this list; then run this cell again."
)
_FETCH_GPT2 = (
    "<code>gpt2_encoding()</code> of <code>utils.llm.tokenizer</code>, called once with a network,"
    " keeps GPT-2's own (50,257 tokens) for this list."
)


@dataclass(frozen=True)
class Stage:
    """A text after some of its merges: the tokens, and the merge that came last (none at first)."""

    tokens: tuple[bytes, ...]
    merged: bytes | None = None


def stages(encoding: tiktoken.Encoding, text: str) -> list[Stage]:
    """Every stage of encoding a text, from single bytes to its tokens, a merge at a time.

    A merge happens in all chunks at once, in the order in which the merges were learned.

    >>> from utils.llm.tokenizer.bpe import train_bpe
    >>> [len(stage.tokens) for stage in stages(train_bpe("low lower lowest", 259), "low low")]
    [7, 5, 3]
    """
    ranks = encoding._mergeable_ranks
    cut = split_text(text, encoding._pat_str)
    chunks = [_dated(explain_encoding(encoding, chunk), ranks) for chunk in cut]
    used = sorted({rank for chunk in chunks for rank, _ in chunk if rank >= 0})
    found = []
    for now in (-1, *used):
        parts = [next(parts for rank, parts in reversed(chunk) if rank <= now) for chunk in chunks]
        tokens = tuple(part for chunk in parts for part in chunk)
        found.append(Stage(tokens, encoding.decode_single_token_bytes(now) if now >= 0 else None))
    return found


def _dated(parts: list[list[bytes]], ranks: Mapping[bytes, int]) -> list[tuple[int, list[bytes]]]:
    """Each stage of one chunk with the id of the token it made; the single bytes have −1."""
    dated = [(-1, parts[0])]
    for before, after in zip(parts, parts[1:], strict=False):
        made = next(new for new, old in zip(after, [*before, b""], strict=False) if new != old)
        dated.append((ranks[made], after))
    return dated


def written(token: bytes) -> str:
    """A token for reading: spaces made visible, bytes that are no whole character in hexadecimal.

    >>> written(b" kite"), written("한".encode()[:2]), written(b"a\\n")
    ('␣kite', 'ED·95', 'a⏎')
    """
    try:
        text = token.decode()
    except UnicodeDecodeError:
        return "·".join(f"{byte:02X}" for byte in token)
    shown = text.translate({32: "␣", 10: "⏎", 9: "⇥"})
    return shown if shown.isprintable() else "·".join(f"{byte:02X}" for byte in token)


class TokenPlayground:
    """Type a text, choose a tokenizer, and step through the merges; ids stand below the tokens.

    `encodings` maps the names of tokenizers to encodings that BPE has learned. With `real` there
    are also those of the real models on this machine, and lines that say how others are fetched.
    """

    def __init__(
        self, encodings: Mapping[str, tiktoken.Encoding], text: str, *, real: bool = False
    ) -> None:
        if not encodings:
            raise ValueError("encodings is empty; give at least one {name: encoding}")
        kept = kept_encodings() if real else {}
        gpt2 = {"GPT-2": gpt2_encoding} if real and gpt2_is_kept() else {}
        self.encodings = {**encodings, **gpt2, **kept}
        wide = widgets.Layout(width="min(700px, 98%)")
        style = {"description_width": "80px"}
        self.text = widgets.Text(value=text, description="text", layout=wide, style=style)
        names = list(self.encodings)
        # A slider, not a list: JupyterLab keeps the up and down keys for going from cell to cell.
        self.chosen = widgets.SelectionSlider(
            options=names, description="tokenizer", layout=wide, style=style
        )
        self.step = widgets.IntSlider(min=0, description="merges", layout=wide, style=style)
        self.shown = widgets.HTML()
        controls = [self.text, self.chosen, self.step]
        missing = [_FETCH] * (not kept) + [_FETCH_GPT2] * (not gpt2)
        self.note = widgets.HTML("<br>".join(missing) if real else "")
        self.widget = widgets.VBox([*controls, self.shown, self.note, Companion()])
        self.widget.add_class("course-explorer")
        self.stages: list[Stage] = []
        for control in (self.text, self.chosen):
            control.observe(lambda _: self._restart(), names="value")
        self.step.observe(lambda _: self._show(), names="value")
        self._restart()

    @property
    def encoding(self) -> tiktoken.Encoding:
        """The chosen one; a real one is read from its file when it is first chosen."""
        chosen = self.encodings[self.chosen.value]
        if not isinstance(chosen, tiktoken.Encoding):
            chosen = self.encodings[self.chosen.value] = chosen()
        return chosen

    def _restart(self) -> None:
        """New text or tokenizer: work its merges out and show the last stage."""
        encoding = self.encoding
        text = self.text.value[:_LONGEST].encode("utf-8", "replace").decode()
        self.stages = stages(encoding, text)
        self.step.max = len(self.stages) - 1
        self.step.value = self.step.max
        self._show()

    def _show(self) -> None:
        self.shown.value = self._html()

    def _html(self) -> str:
        stage = self.stages[self.step.value]
        ranks = self.encoding._mergeable_ranks
        boxes = " ".join(
            _box(token, ranks[token], i, token == stage.merged)
            for i, token in enumerate(stage.tokens)
        )
        row = "display:flex;flex-wrap:wrap;gap:4px;margin:8px 0;max-width:700px"
        said = f'<div role="status">{html.escape(self._summary())}</div>'
        return f'{said}<div style="{row}">{boxes}</div>'

    def _summary(self) -> str:
        stage, last = self.stages[self.step.value], len(self.stages) - 1
        n_bytes, n_tokens = sum(map(len, stage.tokens)), len(stage.tokens)
        ratio = f", {n_bytes / n_tokens:.1f} bytes a token" if n_tokens else ""
        plural = "s" * (n_tokens != 1)
        counts = f"{n_bytes} bytes, {n_tokens} token{plural}{ratio}."
        if len(self.text.value) > _LONGEST:
            counts += f" The text goes on; only its first {_LONGEST} characters are read here."
        if stage.merged is None:
            return f"Before any merge: {counts}"
        ranks = self.encoding._mergeable_ranks
        made = f"“{written(stage.merged)}” (id {ranks[stage.merged]})"
        return f"Merge {self.step.value} of {last} made {made}: {counts}"

    def __repr__(self) -> str:
        stage = self.stages[self.step.value]
        ranks = self.encoding._mergeable_ranks
        tokens = " ".join(f"[{written(token)}] {ranks[token]}" for token in stage.tokens)
        return f"Tokens of {self.chosen.value}. {self._summary()}\n{tokens}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        view = self.widget._repr_mimebundle_()
        widget = {mime: value for mime, value in view.items() if "widget-view" in mime}
        return {**widget, "text/html": self._html(), "text/plain": repr(self)}


def _box(token: bytes, rank: int, place: int, new: bool) -> str:
    look = _NEW if new else _GROUNDS[place % 2]
    box = f"{look};color:#000;border-radius:4px;padding:1px 5px;text-align:center;line-height:1.3"
    name = f'<code style="color:#000">{html.escape(written(token))}</code>'
    number = f'<span style="font-size:75%;color:#333">{rank}</span>'
    return f'<span style="{box}">{name}<br>{number}</span>'
