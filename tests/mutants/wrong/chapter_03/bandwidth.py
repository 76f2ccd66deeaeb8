"""Wrong answers to exercise 3.7."""

from __future__ import annotations

import math
from typing import Any

import torch
from mutants.cases import ANY, wrongs

from utils.llm.attention import smoothing


def _once(n_points: int, draw, widths: list[float], judges: int, seen: bool = False) -> float:
    x, y = draw(n_points)
    new_x, new_y = (x, y) if seen else draw(judges)
    errors = []
    for h in widths:
        weights = (-((new_x[:, None] - x) ** 2) / (2 * h**2)).softmax(1)
        errors.append(float((weights @ y - new_y).square().mean()))
    return widths[errors.index(min(errors))]


def _summed(n: int, draw, widths: list[float], judges: int = 200, table: bool = False) -> float:
    errors = torch.zeros(len(widths))
    for _ in range(5):
        (x, y), (new_x, new_y) = draw(n), draw(judges)
        for i, h in enumerate(widths):
            guess = (-((new_x[:, None] - x) ** 2) / (2 * h**2)).softmax(1) @ y[:, None]
            errors[i] += ((guess if table else guess[:, 0]) - new_y).square().mean()
    return widths[int(errors.argmin())]


GRID_TO_1 = torch.logspace(-2, 0, 16).tolist()
GRID = [0.01 * 1.5**i for i in range(12)]


def _with_the_package(
    known: int | None = None,
    judges: int | None = 200,
    bandwidths: Any = GRID_TO_1,
    give: Any = None,
) -> Any:
    """The experiment with the package's smoother; `give` chooses from bandwidths and errors."""

    def answer(n: int, draw: Any) -> Any:
        errors = torch.zeros(len(bandwidths))
        for _ in range(5):
            x, y = draw(known or n)
            new_x, new_y = draw(judges) if judges else (x[: n // 2], y[: n // 2])
            for i, h in enumerate(bandwidths):
                rows = new_x[:, None], x[:, None], y[:, None]
                guess = smoothing.nadaraya_watson(*rows, h)
                errors[i] += (guess[:, 0] - new_y).square().mean()
        return give(bandwidths, errors) if give else bandwidths[int(errors.argmin())]

    return answer


def _another_ones_values(n: int, draw: Any) -> float:
    errors = torch.zeros(16)
    for _ in range(5):
        (x, y), (new_x, _) = draw(n), draw(n)
        for i, h in enumerate(GRID_TO_1):
            guess = smoothing.nadaraya_watson(new_x[:, None], x[:, None], y[:, None], h)[:, 0]
            errors[i] += (guess - y).square().mean()
    return GRID_TO_1[int(errors.argmin())]


wrongs("3.7", says="You asked the smoother about its own", half=_with_the_package(judges=None))
wrongs("3.7", says="The smoother did not know n_points", always_60=_with_the_package(known=60))
wrongs(
    "3.7",
    says="None of the bandwidths that you tried",
    from_a_third=_with_the_package(bandwidths=[0.3, 0.5, 0.7, 1.0]),
)
wrongs(
    "3.7",
    says="You returned a number that is none of",
    exponent=_with_the_package(give=lambda hs, e: math.log10(hs[int(e.argmin())])),
    rounded_up=_with_the_package(give=lambda hs, e: float(math.ceil(hs[int(e.argmin())]) + 1)),
)
wrongs("3.7", says="Of the bandwidths that you tried", anothers_values=_another_ones_values)
wrongs("3.7", says="You never called draw", a_third=lambda n, draw: 1 / 3)
wrongs(
    "3.7",
    says="You measured 0.01, and what lies between",
    own_points=lambda n, draw: _once(n, draw, [0.01, *GRID[1:]], 100, seen=True),
)
wrongs(
    "3.7",
    says="You measured 1, and what lies between",
    only_wide=lambda n, draw: _once(n, draw, [1.0, 2.0, 3.0], 100),
    a_table=lambda n, draw: _summed(n, draw, GRID_TO_1, table=True),
)
wrongs(
    "3.7",
    says="You measured",
    knows_2000=lambda n, draw: _summed(2000, draw, GRID_TO_1),
)
wrongs(
    "3.7",
    says=ANY,
    own_points_fewer=lambda n, draw: _once(n, draw, [0.02, 0.05, 0.1, 0.2], 100, seen=True),
    too_wide=lambda n, draw: _once(n, draw, [0.8, 0.9, 1.0], 100),
    fixed_narrow=lambda n, draw: 0.05,
    a_tensor_of_all=lambda n, draw: torch.tensor(GRID),
    nothing=lambda n, draw: None,
    text=lambda n, draw: "0.1",
    nan=lambda n, draw: math.nan,
    pair=lambda n, draw: (_once(n, draw, GRID, 200), 0.1),
    raises=lambda n, draw: draw(),
    infinite=lambda n, draw: math.inf,
    zero=lambda n, draw: 0,
    by_number=lambda n, draw: 1 / n,
    two_points=lambda n, draw: 1.0,
    widest=lambda n, draw: max(GRID),
    spacing=lambda n, draw: 4 / n / 2,
    silverman_of_noise=lambda n, draw: float(draw(n)[1].std()),
    place=lambda n, draw: float(GRID.index(_once(n, draw, GRID, 200))),
)
