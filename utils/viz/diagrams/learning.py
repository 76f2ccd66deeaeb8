"""Machines of chapters 07 and 10: the loop that trains, and a matrix with LoRA beside it."""

from __future__ import annotations

from collections.abc import Mapping

from utils.viz import style
from utils.viz.diagrams.sheet import Sheet
from utils.viz.picture import Picture

#: What a step of training is made of: name, the line of code, its kind, and its place.
_STEPS = {
    "batch": ("windows.batch(step, size)", "data", (0.95, 2.75)),
    "model": ("model(inputs)", "learned", (3.3, 2.75)),
    "loss": ("shifted_loss(logits, ids)", "hot", (6.55, 2.75)),
    "gradients": ("zero_grad(), loss.backward()", "work", (6.55, 0.8)),
    "step": ("optimizer.step()", "work", (3.3, 0.8)),
}


def training_loop(sizes: Mapping[str, str], finding: str) -> Picture:
    """One step of training as a circle; `sizes` are written where the named things run along.

    The names are "inputs", "logits", "loss", "gradients" and "weights".
    """
    sheet = Sheet(height=3.45)
    boxes = {
        name: sheet.box(at, f"{name}", kind, size=(1.55, 0.5), weight="bold")
        for name, (_, kind, at) in _STEPS.items()
    }
    for code, _, at in _STEPS.values():
        side = 0.45 if at[1] > 1.5 else -0.45
        sheet.text((at[0], at[1] + side), code, size=9, ink=style.DATA)
    sheet.arrow(boxes["batch"], boxes["model"], sizes["inputs"], shift=(0, -0.47))
    sheet.arrow(boxes["model"], boxes["loss"], f"logits\n{sizes['logits']}", shift=(0, 0))
    sheet.arrow(boxes["loss"], boxes["gradients"], sizes["loss"], shift=(0, -0.15))
    sheet.arrow(boxes["gradients"], boxes["step"], f"a rate for each of\n{sizes['gradients']}")
    sheet.arrow(boxes["step"], boxes["model"], sizes["weights"], shift=(0, -0.15), ink=style.BLUE)
    return sheet.picture(finding)


def lora(n_out: int, n_in: int, rank: int, finding: str) -> Picture:
    """A frozen matrix (n_out, n_in) and beside it the two thin ones that learn, drawn to scale.

    Raises ValueError for a rank that the matrix hasn't.
    """
    if not 0 < rank <= min(n_out, n_in):
        raise ValueError(f"rank {rank} is none of a matrix of {n_out} × {n_in}")
    sheet = Sheet(height=3.5)
    inch = 1.45 / max(n_out, n_in)  # of one column or row
    wide, tall, thin = n_in * inch - 0.1, n_out * inch - 0.1, max(rank * inch - 0.1, 0.01)
    x = sheet.box((0.5, 1.7), f"x\n({n_in},)", size=(0.62, 0.42), name=f"x ({n_in})")
    frozen = sheet.box((3.3, 2.6), "W", "work", size=(wide, tall))
    down = sheet.box((2.45, 0.75), "", "learned", size=(wide, thin), name="A, learned")
    up = sheet.box((4.05, 0.75), "", "learned", size=(thin, tall), name="B, learned")
    add = sheet.plus((6.25, 1.7), "sum of both roads")
    out = sheet.box((7.45, 1.7), f"out\n({n_out},)", size=(0.62, 0.42), name=f"out ({n_out})")
    sheet.arrow(x, frozen, via=[(0.5, 2.6)])
    sheet.arrow(frozen, add, via=[(6.25, 2.6)])
    frozen_text = f"W: {n_out} × {n_in}, frozen,\n{n_out * n_in:,} numbers"
    sheet.text((5.15, 2.87), frozen_text, size=9.5, ink=style.DATA)
    sheet.arrow(x, down, via=[(0.5, 0.75)])
    sheet.arrow(down, up, f"({rank},)", shift=(0, 0.0))
    sheet.arrow(up, add, "× alpha / r", via=[(6.25, 0.75)], shift=(0.1, 0))
    sheet.arrow(add, out)
    for at, name, size in (((2.45, 1.13), "A", (rank, n_in)), ((5.05, 1.12), "B", (n_out, rank))):
        text = f"{name}: {size[0]} × {size[1]},\n{size[0] * size[1]:,} numbers"
        sheet.text(at, text, size=9.5, ink=style.BLUE)
    said = f"W holds {n_in * n_out:,} numbers, A and B {rank * (n_in + n_out):,} together"
    return sheet.picture(finding, said)
