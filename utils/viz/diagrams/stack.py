"""Machines of chapters 05 and 06: the block beside its stream, the whole GPT, three families."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from utils.viz import style
from utils.viz.diagrams.sheet import Box, Sheet
from utils.viz.picture import Picture

_STREAM = style.SKY
Shape = Sequence[int]


def block(shape: Shape, finding: str) -> Picture:
    """The pre-norm block: two branches that read the stream, and add to it.

    `shape` is the stream's, (B, T, C).
    """
    sheet = Sheet(height=3.1)
    wide = f"{tuple(shape)}"
    into = sheet.box((0.45, 0.55), "x", size=(0.5, 0.34), name="the stream before")
    out = sheet.box((7.55, 0.55), "out", size=(0.5, 0.34), name="the stream after")
    sums = [sheet.plus((x, 0.55), name) for x, name in ((3.55, "first sum"), (6.7, "second sum"))]
    way = [into, *sums, out]
    for start, end in zip(way, way[1:], strict=False):
        sheet.arrow(start, end, ink=_STREAM, line=5, say=False)
        sheet.say(start, end, "as it is")
    sheet.text((2.0, 0.22), f"the stream, {wide}, goes straight through", ink=style.BLUE)
    branches = (
        (1.25, sums[0], "attention", "words look at\neach other"),
        (4.4, sums[1], "feed-forward", f"each word alone,\n{4 * shape[-1]} wide inside"),
    )
    for i, (x, add, name, does) in enumerate(branches):
        norm = sheet.box((x, 1.35), f"norm {i + 1}", "learned", size=(0.8, 0.3))
        work = sheet.box((x + 1.05, 2.2), name, "learned", size=(1.3, 0.42), weight="bold")
        sheet.text((x + 1.05, 2.78), does, size=9.5, ink=style.DATA)
        sheet.arrow((x, 0.62), norm.bottom, ink=_STREAM, line=2.5)
        sheet.say(way[i], norm, "a copy")
        sheet.arrow(norm, work, via=[(x, 2.2)])
        sheet.arrow(work, add, wide, via=[(add.x, 2.2)], shift=(0, 0.12))
    return sheet.picture(finding, f"the stream is {wide} from end to end")


def gpt(shapes: Mapping[str, Shape], n_layers: int, finding: str) -> Picture:
    """A whole GPT, with the shape of what runs along every edge.

    `shapes` are those that the parts of `utils.llm.gpt.GPT` were seen to return, by the parts'
    names, in a model of one block or more; `n_layers` is how many blocks the model has.
    """
    s = {name: f"{tuple(shape)}" for name, shape in shapes.items()}
    ids = f"{tuple(shapes['token_embedding'])[:2]}"
    sheet = Sheet(height=4.5)
    words = sheet.box((0.62, 0.5), "ids", size=(0.6, 0.3))
    tokens = sheet.box((0.95, 1.6), "table of tokens", "learned", size=(1.4, 0.34))
    places = sheet.box((0.95, 2.75), "table of places", "learned", size=(1.4, 0.34))
    add = sheet.plus((2.3, 1.6), "sum of both")
    sheet.arrow(words, (0.62, 1.38), ids, font=9.5)
    sheet.say(words, tokens, ids)
    sheet.arrow(tokens, add)
    sheet.arrow(places, add, s["position_embedding"], via=[(2.3, 2.75)], shift=(0.05, 0.0))
    inside = _frame(sheet, n_layers)
    out = _one_block(sheet, s, add)
    norm = sheet.box((7.3, 2.9), "final norm", "learned", size=(1.0, 0.34))
    head = sheet.box((7.3, 1.75), "head", "learned", size=(1.0, 0.34), weight="bold")
    logits = sheet.box((7.3, 0.5), "logits", "hot", size=(0.8, 0.3))
    sheet.arrow(out, norm, via=[(6.6, 1.6), (6.6, 2.9)], ink=_STREAM, line=4.5)
    sheet.arrow(norm, head, s["final_norm"])
    sheet.arrow(head, logits, s["head"])
    sheet.arrow(tokens, head, "the same table: a tied head", via=[(1.75, 0.85), (6.5, 0.85)],
                dashed=True, ink=style.BLUE)  # fmt: skip
    return sheet.picture(finding, inside)


def _frame(sheet: Sheet, n_layers: int) -> str:
    sheet.ground((2.62, 1.12), (3.78, 3.33))
    said = f"{n_layers} blocks like this, one behind the other"
    sheet.text((4.48, 4.27), said, size=10, ink=style.DATA, weight="bold")
    return said


def _one_block(sheet: Sheet, s: Mapping[str, str], start: Box) -> Box:
    """The stream through one block, with its two branches; returns the last sum."""
    last = start
    branches = (
        (3.2, "attention", ("blocks.0.attention.qkv", "blocks.0.attention")),
        (5.0, "feed-forward", ("blocks.0.feed_forward.up", "blocks.0.feed_forward")),
    )
    for i, (x, name, (inner, outer)) in enumerate(branches):
        norm = sheet.box((x, 2.3), f"norm {i + 1}", "learned", size=(0.62, 0.28), font=9.5)
        work = sheet.box((x + 0.32, 3.3), name, "learned", size=(1.15, 0.34), weight="bold")
        sheet.text((x + 0.32, 3.72), f"{s[inner]} inside", size=9, ink=style.DATA)
        add = sheet.plus((x + 1.02, 1.6), f"sum behind {name}")
        text = s["token_embedding"] if last is start else ""
        sheet.arrow(last, add, ink=_STREAM, line=4.5, say=False)
        sheet.say(last, add, text)
        sheet.arrow((x, 1.65), norm.bottom, ink=_STREAM, line=2)
        sheet.say(last, norm)
        sheet.arrow(norm, (x, 3.08))
        sheet.say(norm, work)
        sheet.arrow(work, add, s[outer], via=[(x + 1.02, 3.3)], font=9)
        last = add
    return last


def three_families(finding: str) -> Picture:
    """Encoder, decoder, and encoder–decoder: the same block, and who may look at whom."""
    sheet = Sheet(height=3.3)
    _stack(sheet, 1.0, "encoder: BERT", "looks both ways", "fills a gap", "a text with a gap")
    _stack(sheet, 3.3, "decoder: GPT", "looks back", "the next word", "the text so far")
    source = _stack(sheet, 5.4, "encoder", "looks both ways", "", "the source")
    target = _stack(sheet, 7.1, "decoder", "looks back", "the next word", "translation so far")
    for block in target:
        sheet.arrow(source[1].right, block.left, ink=style.VERMILLION, line=2)
        sheet.say(source[1], block, "cross-attention: its keys and values")
    sheet.text((6.25, 2.28), "cross-attention", size=9, ink=style.VERMILLION)
    sheet.text((6.25, 3.15), "encoder–decoder: translation", size=11, weight="bold")
    return sheet.picture(finding)


def _stack(sheet: Sheet, x: float, title: str, looks: str, makes: str, reads: str) -> list[Box]:
    """Two blocks between what is read and what comes out; returns the blocks."""
    into = sheet.box((x, 0.3), reads, "data", size=(1.4, 0.26), font=9.5)
    blocks = [
        sheet.box((x, y), looks, "learned", size=(1.25, 0.34), font=9.5, name=f"{title}, {n}")
        for n, y in (("block 1", 1.1), ("block 2", 1.85))
    ]
    sheet.arrow(into, blocks[0])
    sheet.arrow(blocks[0], blocks[1])
    if makes:
        out = sheet.box((x, 2.65), makes, "hot", size=(1.2, 0.26), font=9.5)
        sheet.arrow(blocks[1], out)
    if ":" in title:
        sheet.text((x, 3.15), title, size=11, weight="bold")
    return blocks
