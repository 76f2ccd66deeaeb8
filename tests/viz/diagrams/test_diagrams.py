"""Pictures of machines: their numbers are right, and no words lie on others or off the sheet."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from utils.viz import diagrams
from utils.viz.diagrams import looking, sheet
from utils.viz.picture import Picture, picture

WORDS = "Mina had a blue kite".split()
PAIRS = [[1.0, 0.0], [0.5403, 0.8415], [-0.4161, 0.9093]]
SHAPES = {
    "token_embedding": (2, 5, 768),
    "position_embedding": (5, 768),
    "blocks.0.attention.qkv": (2, 5, 2304),
    "blocks.0.attention": (2, 5, 768),
    "blocks.0.feed_forward.up": (2, 5, 3072),
    "blocks.0.feed_forward": (2, 5, 768),
    "final_norm": (2, 5, 768),
    "head": (2, 5, 50257),
}
SIZES = {
    "inputs": "8 × 60 ids",
    "logits": "8 × 60 × 369",
    "loss": "one number",
    "gradients": "290,000 weights",
    "weights": "new weights",
}


def line() -> Picture:
    values = {"slope": 1, "intercept": -1, "prediction": 3, "error": 1, "its square": 1}
    along = {
        ("slope", "prediction"): 4,
        ("intercept", "prediction"): 1,
        ("prediction", "error"): 1,
        ("error", "its square"): 2,
    }
    return diagrams.rates(values, along, "Rates in a row multiply.")


def twice() -> Picture:
    a = SimpleNamespace(data=2.0, grad=-2.0, parents=(), rates=())
    b = SimpleNamespace(data=-3.0, grad=2.0, parents=(), rates=())
    c = SimpleNamespace(data=-6.0, grad=1.0, parents=(a, b), rates=(-3.0, 2.0))
    d = SimpleNamespace(data=-4.0, grad=1.0, parents=(c, a), rates=(1.0, 1.0))
    named = {"a": a, "b": b, "c = a · b": c, "d = c + a": d}
    return diagrams.backward(named, "What comes back adds up.")


def two_layers() -> Picture:
    w1, b1 = torch.ones(2, 2), torch.tensor([0.0, -1.0])
    w2, b2 = torch.tensor([[1.0], [-2.0]]), torch.zeros(1)
    return diagrams.network(w1, b1, w2, b2, "One of two.")


def one_look() -> Picture:
    scores = torch.tensor([0.0, 0.0, 0.0, 2.83, -11.5])
    return diagrams.query_key_value(WORDS, 4, scores, scores.softmax(0), "It looks at a colour.")


def three_heads() -> Picture:
    return diagrams.heads(torch.arange(24).view(4, 6) + 100, 3, "Three heads.")


def turned() -> Picture:
    return diagrams.circles({"a pair": dict(zip("012", PAIRS, strict=True))}, "It turns.")


def apart() -> Picture:
    panels = {
        "key at 0": {"query": PAIRS[1], "key": PAIRS[0]},
        "key at 1": {"query": PAIRS[2], "key": PAIRS[1]},
    }
    return diagrams.circles(panels, "The same angle.", angles=True)


def kept() -> Picture:
    return diagrams.cache("Yuna had a green umbrella".split(), 8, "Read alone.")


def stream() -> Picture:
    return diagrams.block((8, 16, 64), "Two branches.")


def whole() -> Picture:
    return diagrams.gpt(SHAPES, 12, "All of it.")


def families() -> Picture:
    return diagrams.three_families("Three machines.")


def loop() -> Picture:
    return diagrams.training_loop(SIZES, "Five lines.")


def wide_lora() -> Picture:
    return diagrams.lora(288, 96, 8, "Two thin ones.")


def square_lora() -> Picture:
    return diagrams.lora(96, 384, 4, "Two thin ones.")


ALL: list[Callable[[], Picture]] = [
    line, twice, two_layers, one_look, three_heads, turned, apart, kept, stream, whole, families,
    loop, wide_lora, square_lora,
]  # fmt: skip


def drawn(make: Callable[[], Picture], monkeypatch: pytest.MonkeyPatch) -> list:
    """The figure's words, each with the box around it in pixels, and the figure's own box."""
    seen = []

    def watch(fig, *args, **kwargs):
        seen.append(fig)
        return picture(fig, *args, **kwargs)

    monkeypatch.setattr(sheet, "picture", watch)
    monkeypatch.setattr(looking, "picture", watch)
    make()
    canvas = FigureCanvasAgg(seen[0])
    canvas.draw()
    renderer = canvas.get_renderer()
    texts = [t for ax in seen[0].axes for t in (*ax.texts, ax._left_title, ax.title)]
    texts = [t for t in texts if t.get_text().strip()]
    return [(t.get_text(), t.get_window_extent(renderer)) for t in texts] + [seen[0].bbox]


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_no_words_lie_on_others_or_off_the_sheet(make, monkeypatch):
    *texts, whole = drawn(make, monkeypatch)
    assert texts
    for said, box in texts:
        assert whole.x0 <= box.x0 <= box.x1 <= whole.x1, said
        assert whole.y0 <= box.y0 <= box.y1 <= whole.y1, said
    for (a, box), (b, other) in itertools.combinations(texts, 2):
        across = min(box.x1, other.x1) - max(box.x0, other.x0)
        along = min(box.y1, other.y1) - max(box.y0, other.y0)
        assert across < 1 or along < 1, (a, b)


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_a_machine_is_said_in_words_and_fits_a_laptop_s_pane(make):
    made = make()
    assert len(made.twin.splitlines()) > 1
    assert "  " not in made.twin
    assert "\n\n" not in made.twin
    assert made.height <= 530


def test_rates_multiply_along_a_way_and_add_up_over_ways():
    assert "its square answers to slope at 8, to intercept at 2" in line().twin
    both = {("a", "b"): 2, ("b", "d"): 3, ("a", "c"): -1, ("c", "d"): 4, ("a", "d"): 10}
    values = dict.fromkeys("abcd", 1)
    assert "d answers to a at 12, to b at 3, to c at 4" in diagrams.rates(values, both, "!").twin


def test_numbers_that_remember_are_drawn_with_their_own_rates():
    assert "d = c + a answers to a at −2, to b at 2, to c = a · b at 1" in twice().twin
    assert "a → c = a · b: × −3" in twice().twin


def test_a_number_used_twice_in_one_product_has_both_rates_on_one_edge():
    a = SimpleNamespace(data=3.0, grad=6.0, parents=(), rates=())
    square = SimpleNamespace(data=9.0, grad=1.0, parents=(a, a), rates=(3.0, 3.0))
    assert "a → a · a: × 6" in diagrams.backward({"a": a, "a · a": square}, "!").twin


def test_the_angle_from_key_to_query_is_the_same_wherever_they_stand():
    assert apart().twin.count("57° between them") == 2


def test_what_is_read_anew_and_what_is_kept():
    assert "umbrella alone is read: its key and value go to place 4" in kept().twin
    assert "3 places are free" in kept().twin


def test_lora_is_counted():
    assert "W holds 27,648 numbers, A and B 3,072 together" in wide_lora().twin


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: diagrams.rates({"a": 1, "b": 1}, {("b", "a"): 1}, "!"), "a later one"),
        (lambda: diagrams.rates({"a": 1, "b": 1}, {("a", "z"): 1}, "!"), "a later one"),
        (lambda: diagrams.heads(torch.zeros(4, 6), 4, "!"), "shared evenly"),
        (lambda: diagrams.cache(["a", "b"], 1, "!"), "room for 1"),
        (lambda: diagrams.query_key_value(WORDS, 1, [1.0], [1.0], "!"), "5 words"),
        (lambda: diagrams.lora(4, 4, 5, "!"), "rank 5"),
        (lambda: diagrams.network(*(torch.zeros(9, 9), torch.zeros(9)) * 2, "!"), "at most 5"),
    ],
)
def test_what_can_t_be_drawn_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()
