"""Wrong answers to exercise 7.8."""

from __future__ import annotations

import math

from mutants.cases import ANY, wrongs

wrongs(
    "7.8",
    says="You ran nothing: try several rates, run(rate,",
    guess=lambda run: 0.001,
    usual=lambda run: 3e-4,
)
wrongs(
    "7.8",
    says="That is a loss: return the rate that it",
    one_run=lambda run: run(0.01, 0, 20),
    two_runs=lambda run: run(0.01, 0, 20) + run(0.01, 1, 20),
    loss_back=lambda run: min(run(10 ** (k / 2 - 4), 0, 20) for k in range(6)),
)
wrongs(
    "7.8",
    says="That is a place in your list: return the rate",
    place_back=lambda run: min(range(9), key=lambda k: run(10 ** (k / 2 - 4), 0, 20)),
)
wrongs(
    "7.8",
    says="You returned a rate that did not pay least of",
    worst=lambda run: max([1e-4, 1e-3, 1e-2], key=lambda rate: run(rate, 0, 20)),
    smallest=lambda run: min(
        [1e-4, 1e-3, 1e-2, 1e-1], key=lambda rate: (run(rate, 0, 20) > 0, rate)
    ),
)
wrongs(
    "7.8",
    says="Your trainings were not all 20 steps long: a",
    long_runs=lambda run: min(
        [10 ** (k / 3 - 4) for k in range(13)],
        key=lambda rate: run(rate, 0, 300) if rate < 0.05 else 99,
    ),
    one_step=lambda run: min(
        [10 ** (k / 3 - 4) for k in range(13)],
        key=lambda rate: run(rate, 0, 1) if rate < 0.5 else 99,
    ),
)
wrongs(
    "7.8",
    says="The rates began from different starts, and a",
    own_seeds=lambda run: min(
        [10 ** (k / 4 - 4) for k in range(17)],
        key=lambda rate: run(rate, int(1000 * rate), 20) if rate < 0.1 else 99,
    ),
)
wrongs(
    "7.8",
    says="Your trainings were not all 20 steps long: a",
    fewer_and_fewer=lambda run: min(
        enumerate(10 ** (4 * k / 9 - 4) for k in range(10)),
        key=lambda pair: (lambda x: x if x == x else 99)(run(pair[1], 0, 20 - pair[0])),
    )[1],
)
wrongs(
    "7.8",
    says="The rates began from different starts, and a",
    no_seed_twice=lambda run: min(
        (run(10 ** (4 * k / 9 - 4), 10 * seed + k, 20), 10 ** (4 * k / 9 - 4))
        for seed in range(4)
        for k in range(8)
    )[1],
)
wrongs(
    "7.8",
    says="You returned a rate whose run blew up",
    nan_as_nought=lambda run: min(
        [10 ** (4 * k / 9 - 4) for k in range(10)],
        key=lambda rate: (lambda x: x if x == x else 0)(run(rate, 0, 20)),
    ),
)
wrongs(
    "7.8",
    says="The best of your rates is the smallest or the",
    narrow=lambda run: min([1e-4, 2e-4, 3e-4], key=lambda rate: run(rate, 0, 20)),
    coarse=lambda run: min([1e-4, 1e-3, 1e-1], key=lambda rate: run(rate, 0, 20)),
    even_grid=lambda run: min([0.1 * k for k in range(1, 11)], key=lambda rate: run(rate, 0, 20)),
)
wrongs(
    "7.8",
    says="You returned a rate whose run blew up",
    nan_first=lambda run: min(
        [1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001], key=lambda rate: run(rate, 0, 20)
    ),
)
wrongs(
    "7.8",
    says="You returned a rate that you never",
    middle=lambda run: [run(r, 0, 20) for r in (1e-4, 1e-2, 1.0)] and 0.5,
    mean_rate=lambda run: sum([1e-4, 1e-3, 1e-2, 1e-1]) / 4 + 0 * run(0.01, 0, 20),
)
wrongs(
    "7.8",
    says=ANY,
    too_many=lambda run: min([1e-4 * 1.1**k for k in range(97)], key=lambda rate: run(rate, 0, 20)),
    nothing=lambda run: None,
    text=lambda run: "0.01",
    a_list=lambda run: [run(10.0**-k, 0, 20) for k in range(1, 5)],
)


def paid(run, rate):
    """Two runs of a rate, the second only where the first has not blown up."""
    first = run(rate, 0, 20)
    return first if math.isnan(first) else first + run(rate, 1, 20)


RATES = [10 ** (4 * k / 9 - 4) for k in range(10)]
wrongs(
    "7.8",
    says="You returned a rate that did not pay least of",
    largest_that_lives=lambda run: [r for r in RATES if not math.isnan(paid(run, r))][-1],
    second_least=lambda run: sorted(RATES, key=lambda r: (math.isnan(p := paid(run, r)), p))[2],
)
