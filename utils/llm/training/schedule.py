"""How the learning rate goes up and down over a training."""

import math


def cosine_with_warm_up(
    step: int, steps: int, peak: float, warm_up: int = 0, min_rate: float = 0.0
) -> float:
    """The learning rate of `step`, counted from 0, in a training of `steps`.

    The first `warm_up` steps climb in a straight line, peak/warm_up, 2·peak/warm_up, … to the peak;
    from there half a cosine falls to `min_rate`, which it would reach at step number `steps`.
    Beyond it stays there.

    Sources: Goyal et al. 2017 (warm-up), Loshchilov and Hutter 2017 (cosine).

    >>> [round(cosine_with_warm_up(step, 6, 1.0, warm_up=2), 2) for step in range(7)]
    [0.5, 1.0, 1.0, 0.85, 0.5, 0.15, 0.0]
    """
    if step < 0 or warm_up < 0 or warm_up > steps:
        raise ValueError(
            f"step {step}, warm_up {warm_up}, steps {steps}: none may be negative, and the warm-up "
            "must fit into the steps."
        )
    if step < warm_up:
        return peak * (step + 1) / warm_up
    if step >= steps:
        return min_rate
    progress = (step - warm_up) / (steps - warm_up)  # 0 at the peak, 1 at the end
    return min_rate + (peak - min_rate) * 0.5 * (1 + math.cos(math.pi * progress))
