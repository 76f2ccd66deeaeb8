"""Figures, their text twins and the explorers, held against the data behind them."""

from __future__ import annotations

import io
import textwrap
import warnings

import ipywidgets as widgets
import matplotlib
import numpy as np
import pytest
import torch
from matplotlib import _pylab_helpers
from matplotlib.font_manager import FontProperties, findfont, get_font
from PIL import Image

from utils.viz import plots, style
from utils.viz.explorer import Explorer
from utils.viz.picture import Picture, picture
from utils.viz.twin import number


def curve(slope: float = 2.0, finding: str = "It rises.") -> Picture:
    x = np.arange(20.0)
    return plots.lines({"model": (x, slope * x)}, "step", "bits", finding, floor=0.473)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1e-17, "0"),
        (-1e-17, "0"),
        (0.4734, "0.47"),
        (-0.4761, "-0.48"),
        (0.096, "0.096"),
        (0.9961, "1"),
        (9.96, "10"),
        (124_439_808, "1.2e+08"),
        (1024, "1024"),
        (1024.6, "1000"),
        (98.6, "99"),
        (100.4, "100"),
        (3.2e-7, "3.2e-07"),
        (0.1 + 0.2, "0.3"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    ],
)
def test_a_number_in_words(value, said):
    assert number(value) == said


def test_a_tie_rounds_the_same_way_whatever_noise_it_comes_with():
    assert {number(0.125 + noise) for noise in (0, 1e-12, -1e-12, 3e-13)} == {"0.13"}
    assert {number(-0.125 + noise) for noise in (0, 1e-12, -1e-12)} == {"-0.13"}


def test_rounding_agrees_with_an_independent_one():
    for value in np.random.default_rng(0).uniform(-50, 50, 300):
        assert float(number(value)) == float(f"{value:.1e}")


def test_digits_round_whole_numbers_too_and_noise_beside_large_neighbours_is_zero():
    assert number(1234, digits=1) == "1000"
    assert number(0.4734, digits=3) == "0.473"
    assert number(1e-8, scale=1000) == "0"


def test_the_twin_of_curves_says_axes_ends_range_and_floor():
    x = np.linspace(0, 300, 301)
    drawn = plots.lines(
        {"bigram": (x, 1 + 2 * np.exp(-x / 50)), "few": ([1, 2, 3], [0.111, 0.222, 0.5])},
        "step",
        "bits per word",
        "The bigram falls.",
        floor=0.473,
    )
    assert drawn.twin.splitlines() == [
        "The bigram falls.",
        "x: step, 0 to 300",
        "y: bits per word, 0.11 to 3",
        "bigram: 301 points, first 3, last 1, range 1 to 3",
        "few: 1: 0.11, 2: 0.22, 3: 0.5",
        "floor: level at y = 0.47",
    ]


def test_the_twin_follows_the_data():
    assert "last 38" in curve(2.0).twin
    assert "last 57" in curve(3.0).twin


def test_the_twin_of_bars_names_each_category_and_escapes_nothing():
    drawn = plots.bars({"한 kite": 3.14159, "$a$ b": 2.0}, "bits", "Two bars.", floor=1)
    assert "bars: 한 kite 3.1, $a$ b 2" in drawn.twin
    assert "floor: upright at x = 1" in drawn.twin


def test_the_twin_of_grouped_upright_bars_finds_their_own_categories():
    fig, grid = style.figure()
    ax = grid[0, 0]
    ax.bar([-0.2, 0.8], [1, 2], 0.4, label="true")
    ax.bar([0.2, 1.2], [3, 4], 0.4, label="model")
    ax.set_xticks([0, 1], ["cat", "dog"])
    twin = picture(fig, "Groups.").twin
    assert "true: cat 1, dog 2" in twin
    assert "model: cat 3, dog 4" in twin


def test_the_twin_of_points_a_matrix_a_histogram_and_pies():
    cloud = plots.scatter_with_fit([1, 2], [3, 5], {"line": ([0, 3], [1, 7])}, "x", "y", "A line.")
    assert "data: (1, 3), (2, 5)" in cloud.twin
    assert "line: 0: 1, 3: 7" in cloud.twin
    matrix = plots.heatmap(torch.tensor([[0.1, 0.9, 0.2]]), ["q"], ["a", "b", "c"], "Heat.")
    assert "image: 1 × 3 (rows × columns), values 0.1 to 0.9" in matrix.twin
    assert "the largest at row q, column b" in matrix.twin
    counts = plots.histogram([0.0, 0.1, 1.0], "height", "Heights.", bins=2, mark={"mean": 0.37})
    assert "bars: 0.25 2, 0.75 1" in counts.twin
    assert "mean: upright at x = 0.37" in counts.twin


def test_a_level_matrix_names_no_largest_cell():
    assert "largest" not in plots.heatmap(np.ones((2, 2)), "ab", "cd", "Level.").twin


def test_two_pies_share_colours_and_merge_the_smallest_slices():
    rest = {f"word{i}": 0.02 for i in range(10)}
    drawn = plots.pie_pair({"blue": 0.5, "red": 0.5}, {"blue": 0.7, "the": 0.1, **rest}, "Pies.")
    assert "pie: blue 0.5, red 0.5" in drawn.twin
    assert "blue 0.7, the 0.1, word0 0.02" in drawn.twin
    assert "other 0.12" in drawn.twin
    with pytest.raises(ValueError, match=r"sums to 0\.9"):
        plots.pie_pair({"a": 0.9}, {"a": 1.0}, "Pies.")


def test_words_of_an_author_s_own_replace_the_description():
    fig, grid = style.figure()
    grid[0, 0].plot([0.123, 4.567])
    assert picture(fig, "Noisy.", words="a line that rises").twin == "Noisy.\na line that rises"


def test_infinite_and_missing_values_leave_a_sound_twin():
    drawn = plots.lines({"a": [np.nan, np.inf, 2.0]}, "x", "y", "Gaps.")
    assert "a: 2: 2" in drawn.twin
    assert "nothing to show" in plots.lines({"a": [np.nan]}, "x", "y", "Gaps.").twin


def test_the_same_figure_gives_the_same_bytes_and_no_dates():
    first, second = curve(), curve()
    assert first.png() == second.png()
    assert first.twin == second.twin
    assert not Image.open(io.BytesIO(first.png())).text


def test_a_picture_is_small_opaque_and_readable_in_a_notebook(tmp_path):
    drawn = curve()
    image = Image.open(drawn.save(tmp_path / "curve.png"))
    assert image.size == (drawn.width, drawn.height) == (800, 400)
    assert len(drawn.png()) < 60_000
    assert image.convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)
    with pytest.raises(ValueError, match=r"saved as \.png"):
        drawn.save(tmp_path / "curve.svg")


def test_the_bundle_carries_pixels_twin_and_alternative_text():
    data, metadata = curve(finding="A <b> finding.")._repr_mimebundle_()
    assert set(data) == {"image/png", "text/plain"}
    assert metadata["image/png"]["alt"].startswith("A <b> finding. x: step, 0 to 19.")
    assert metadata["image/png"]["width"] == 800
    fold = curve(finding='A <b> "finding".')._repr_html_()
    assert 'aria-label="The figure in words: A &lt;b&gt; &quot;finding&quot;."' in fold
    assert "base64" not in curve()._repr_html_()


def test_a_long_finding_is_wrapped_inside_the_figure():
    fig, _ = style.figure()
    picture(fig, "A finding that says what the figure shows, with all that it means. " * 3).png()
    box = fig._suptitle.get_window_extent(fig.canvas.get_renderer())
    assert box.x0 >= 0
    assert box.x1 <= 800


@pytest.mark.parametrize(
    "finding",
    [
        "Forty merges cut the row to 0.64 of its length, the first ten alone to 0.82",
        "The 4-gram pays 3.5 bits for “yellow”, which the story told 29 words before",
        "One line",
        "Donaudampfschifffahrtsgesellschaftskapitänswitwenrentenantragsformular is one word here",
    ],
)
def test_no_line_of_a_title_is_left_with_a_lonely_word(finding):
    lines = style.wrapped(finding, 7.7).split("\n")
    assert " ".join(lines) == finding
    assert len(lines) == len(textwrap.wrap(finding, int(7.7 * 72 / (12 * 0.62))))
    if "Donau" not in finding:
        assert max(map(len, lines)) - min(map(len, lines)) < 20, lines


def test_nothing_global_changes_and_nothing_is_left_in_pyplot(monkeypatch):
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 23.0)
    before = dict(matplotlib.rcParams)
    open_figures = len(_pylab_helpers.Gcf.figs)
    curve()
    plots.pie_pair({"a": 1.0}, {"a": 1.0}, "Pies.").sharp()
    assert dict(matplotlib.rcParams) == before
    assert len(_pylab_helpers.Gcf.figs) == open_figures


def test_a_reader_s_settings_do_not_change_the_picture(monkeypatch):
    plain = curve().png()
    monkeypatch.setitem(matplotlib.rcParams, "lines.linewidth", 9.0)
    monkeypatch.setitem(matplotlib.rcParams, "axes.linewidth", 5.0)
    assert curve().png() == plain


def test_letters_without_a_glyph_are_spelled_out_and_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.bars({"한국": 1.0, "🪁": 2.0, "$x": 3.0}, "한 $y$", "세 막대 $z$.").png()
        plots.heatmap([[1.0]], ["물"], ["결"], "Heat.").png()
        plots.lines({"길 model": [1, 10, 100]}, "x", "y", "Log.", log_y=True).png()
    assert style.drawable("𐎀 a√é") == "[U+10380] a√é"


def test_what_the_first_font_lacks_is_drawn_with_the_next(monkeypatch):
    # STIXGeneral comes with matplotlib too, and has signs that DejaVu lacks
    first = style._glyphs()
    charmap = get_font(findfont(FontProperties(family="STIXGeneral"))).get_charmap()
    lacking = chr(min(code for code in charmap if code not in first and code > 0x1000))
    monkeypatch.setattr(style, "HANGUL", ("no such font", "STIXGeneral"))
    for cached in (style.families, style._glyphs):
        cached.cache_clear()
    try:
        assert style.families() == ("DejaVu Sans", "STIXGeneral")
        assert style.drawable(lacking) == lacking
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            plots.bars({f"a{lacking}": 1.0}, "a", "b").png()
    finally:
        monkeypatch.undo()
        for cached in (style.families, style._glyphs):
            cached.cache_clear()


def test_log_axes_are_written_in_plain_numbers():
    drawn = plots.lines({"a": ([1, 1000], [1, 10])}, "n", "y", "Log.", log_x=True)
    assert "x: n, 1 to 1000 (log scale)" in drawn.twin


def test_text_on_any_colour_of_the_palette_has_contrast_enough():
    def luminance(colour):
        rgb = np.array(matplotlib.colors.to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722] + 0.05

    for colour in {*style.CYCLE, style.YELLOW, style.REST}:
        pair = sorted([luminance(colour), luminance(style.text_on(colour))])
        assert pair[1] / pair[0] >= 4.5


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: plots.lines({}, "x", "y", "F."), "series is empty"),
        (lambda: plots.lines({"a": ([1, 2], [1])}, "x", "y", "F."), "one y for each x"),
        (lambda: plots.bars({}, "y", "F."), "values is empty"),
        (lambda: plots.bars({"a": 1}, "y", "F.", highlight=["b"]), "'b'"),
        (lambda: plots.heatmap([[1, 2]], ["r"], ["c"], "F."), "1 column names"),
        (lambda: curve(finding="  "), "finding is empty"),
    ],
)
def test_errors_say_what_was_given_and_what_to_do(make, told):
    with pytest.raises(ValueError, match=told):
        make()


def test_what_is_no_number_is_a_type_error():
    with pytest.raises(TypeError, match="give numbers"):
        plots.lines({"a": ["one", "two"]}, "x", "y", "F.")


def explorer(**more: widgets.Widget) -> Explorer:
    def draw(slope: float, **_: object) -> Picture:
        if slope == 3:
            raise ValueError("three <b>is</b> too steep")
        return curve(slope, f"Slope {slope:g}.")

    return Explorer({"slope": widgets.FloatSlider(1.0, min=0, max=5), **more}, draw)


def test_a_control_moved_draws_anew():
    piece = explorer()
    first = piece.image.value
    piece.controls["slope"].value = 2.0
    assert piece.image.value == curve(2.0, "Slope 2.").png() != first
    assert piece.picture.finding == piece.image.tooltip == "Slope 2."
    assert "Slope 2." in piece.caption.value


def test_an_error_in_a_render_is_shown_and_the_picture_stays():
    piece = explorer()
    piece.controls["slope"].value = 2.0
    kept = piece.image.value
    piece.controls["slope"].value = 3.0
    assert "ValueError: three &lt;b&gt;is&lt;/b&gt; too steep" in piece.caption.value
    assert "<b>" not in piece.caption.value
    assert piece.image.value == kept
    piece.controls["slope"].value = 4.0
    assert "too steep" not in piece.caption.value
    assert piece.picture.finding == "Slope 4."


def test_a_button_counts_its_clicks():
    seen = []
    again = widgets.Button()
    Explorer({"again": again}, lambda again: seen.append(again) or curve())
    again.click()
    again.click()
    assert seen == [0, 1, 2]


def test_a_render_that_moves_a_control_shows_only_the_last_picture():
    low, high = widgets.IntSlider(0, max=9), widgets.IntSlider(5, max=9)
    shown = []

    def draw(low_: int, high_: int) -> Picture:
        if high_ < low_:
            high.value = low_
        return curve(1.0, f"From {low_} to {high_}.")

    piece = Explorer({"low_": low, "high_": high}, draw)
    piece.image.observe(lambda _: shown.append(piece.picture.finding), names="tooltip")
    low.value = 7
    assert shown == ["From 7 to 7."]


def test_the_bundle_holds_widget_picture_and_twin():
    piece = explorer(again=widgets.Button())
    data, _ = piece._repr_mimebundle_()
    assert set(data) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    assert data["text/plain"] == piece.picture.twin
    assert [c.description for c in piece.controls.values()] == ["slope", "again"]


def test_a_control_without_a_value_and_a_render_without_a_picture_are_refused():
    with pytest.raises(TypeError, match="'box' is VBox"):
        Explorer({"box": widgets.VBox()}, lambda box: curve())
    with pytest.raises(TypeError, match="must return a Picture"):
        Explorer({"n": widgets.IntSlider()}, lambda n: None)
    with pytest.raises(ValueError, match="controls is empty"):
        Explorer({}, curve)
