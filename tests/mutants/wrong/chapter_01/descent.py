"""Wrong answers to exercises 1.3 and 1.4."""

from __future__ import annotations

import torch
from mutants.cases import ANY, course, wrong, wrongs


def gradient(build):
    """An answer built of the errors, x and y."""
    return lambda slope, intercept, x, y: build(slope * x + intercept - y, x, y)


wrongs("1.3", "The 2 is lost", no_two=gradient(lambda e, x, y: ((e * x).mean(), e.mean())))
wrongs(
    "1.3",
    "The derivative by the slope lacks the 2",
    a=gradient(lambda e, x, y: ((e * x).mean(), 2 * e.mean())),
)
wrongs(
    "1.3",
    "The derivative by the intercept lacks the 2",
    b=gradient(lambda e, x, y: (2 * (e * x).mean(), e.mean())),
)
wrongs(
    "1.3", "Every sign is flipped", c=gradient(lambda e, x, y: (-2 * (e * x).mean(), -2 * e.mean()))
)
wrongs(
    "1.3",
    "The derivative by the slope has the wrong sign",
    d=gradient(lambda e, x, y: (-2 * (e * x).mean(), 2 * e.mean())),
)
wrongs(
    "1.3",
    "The derivative by the intercept has the wrong sign",
    e=gradient(lambda e, x, y: (2 * (e * x).mean(), -2 * e.mean())),
)
wrongs(
    "1.3",
    "You summed",
    f=gradient(lambda e, x, y: (2 * (e * x).sum(), 2 * e.sum())),
    g=gradient(lambda e, x, y: (2 * e @ x, 2 * e.sum())),
)
wrongs(
    "1.3",
    "The derivative by the slope is still a sum",
    h=gradient(lambda e, x, y: (2 * e @ x, 2 * e.mean())),
)
wrongs(
    "1.3",
    "The derivative by the intercept is still a sum",
    i=gradient(lambda e, x, y: (2 * (e * x).mean(), 2 * e.sum())),
)
wrongs(
    "1.3",
    "The derivative by the slope lacks its inner",
    j=gradient(lambda e, x, y: (2 * e.mean(), 2 * e.mean())),
)
wrongs(
    "1.3",
    "The derivative by the slope has y",
    k=gradient(lambda e, x, y: (2 * (e * y).mean(), 2 * e.mean())),
)
wrongs(
    "1.3",
    "The derivative by the slope has a factor x",
    m=gradient(lambda e, x, y: (2 * (e * x * x).mean(), 2 * e.mean())),
)
wrongs(
    "1.3",
    "You averaged the errors and the x apart",
    n=gradient(lambda e, x, y: (2 * e.mean() * x.mean(), 2 * e.mean())),
)
wrongs(
    "1.3",
    "The two derivatives are right",
    o=gradient(lambda e, x, y: (2 * e.mean(), 2 * (e * x).mean())),
)
wrongs(
    "1.3",
    "The derivative by the intercept has a factor",
    p=gradient(lambda e, x, y: (2 * (e * x).mean(), 2 * (e * x).mean())),
)
wrongs("1.3", "You return one number", q=gradient(lambda e, x, y: (2 * e * x, 2 * e)))
wrongs(
    "1.3",
    "You left the errors squared",
    r=gradient(lambda e, x, y: (2 * (e**2 * x).mean(), 2 * (e**2).mean())),
)
wrongs(
    "1.3",
    "You took the sizes",
    s=gradient(lambda e, x, y: (2 * (e.abs() * x).mean(), 2 * e.abs().mean())),
)
wrongs(
    "1.3",
    "You took the prediction",
    t=lambda a, b, x, y: (2 * ((a * x + b) * x).mean(), 2 * (a * x + b).mean()),
)
wrongs(
    "1.3",
    "Your prediction lacks",
    u=lambda a, b, x, y: (2 * ((a * x - y) * x).mean(), 2 * (a * x - y).mean()),
)
wrongs("1.3", ("The 2 is lost", "You summed"), v=gradient(lambda e, x, y: ((e * x).sum(), e.sum())))
wrongs(
    "1.3", ("The 2 is lost", "Every sign"), w=gradient(lambda e, x, y: (-(e * x).mean(), -e.mean()))
)
wrongs(
    "1.3",
    ("Every sign", "You summed"),
    x=gradient(lambda e, x, y: (-2 * (e * x).sum(), -2 * e.sum())),
)
wrongs(
    "1.3",
    ("The two derivatives", "The 2 is lost"),
    y=gradient(lambda e, x, y: (e.mean(), (e * x).mean())),
)
wrongs(
    "1.3",
    ("The 2 is lost", "You left the errors squared"),
    the_loss=gradient(lambda e, x, y: ((e**2 * x).mean(), (e**2).mean())),
)
wrongs(
    "1.3",
    "The derivative by the slope has the slope where x belongs",
    slope_for_x=lambda a, b, x, y: (2 * ((a * x + b - y) * a).mean(), 2 * (a * x + b - y).mean()),
)
wrongs(
    "1.3",
    None,
    one_tensor_a_row=gradient(lambda e, x, y: 2 * torch.stack([e * x, e])),
    only_one=gradient(lambda e, x, y: 2 * (e * x).mean()),
    minus_intercept=lambda a, b, x, y: (
        2 * ((a * x - b - y) * x).mean(),
        2 * (a * x - b - y).mean(),
    ),
)


@wrong("1.3", None)
def through_the_first_only(slope, intercept, x, y):
    error = slope * x[0] + intercept - y[0]
    return 2 * error * x[0], 2 * error


@wrong("1.3", None)
def reset_in_the_loop(slope, intercept, x, y):
    for xi, yi in zip(x, y, strict=True):
        error = slope * xi + intercept - yi
        by_slope, by_intercept = 2 * error * xi / len(x), 2 * error / len(x)
    return by_slope, by_intercept


line_gradient = course("1.3")


def descent(step, keep="after"):
    """An answer whose step makes a new point of (a, b, their derivatives, the rate)."""

    def answer(a, b, x, y, rate, n):
        path = [(a, b)] if keep != "no start" else []
        for _ in range(n):
            if keep == "before":
                path.append((a, b))
            da, db = line_gradient(a, b, x, y)
            a, b = map(float, step(a, b, da, db, rate))
            if keep != "before":
                path.append((a, b))
        return torch.tensor(path).reshape(-1, 2)

    return answer


def down(a, b, da, db, rate):
    return a - rate * da, b - rate * db


wrongs("1.4", "You walk uphill", up=descent(lambda a, b, da, db, r: (a + r * da, b + r * db)))
wrongs(
    "1.4", "The learning rate does nothing", full=descent(lambda a, b, da, db, r: (a - da, b - db))
)
wrongs("1.4", "Only the slope moves", slope=descent(lambda a, b, da, db, r: (a - r * da, b)))
wrongs(
    "1.4", "Only the intercept moves", intercept=descent(lambda a, b, da, db, r: (a, b - r * db))
)
wrongs("1.4", "The start is missing", late=descent(down, "no start"))
wrongs("1.4", "The start stands twice", twice=descent(down, "before"))
wrongs(
    "1.4",
    None,
    divides=descent(lambda a, b, da, db, r: (a - da / r, b - db / r)),
    crossed_gradient=descent(lambda a, b, da, db, r: (a - r * db, b - r * da)),
    signs=descent(lambda a, b, da, db, r: (a - r * da.sign(), b - r * db.sign())),
    from_nought=descent(lambda a, b, da, db, r: (-r * da, -r * db)),
    sum_of_steps=descent(lambda a, b, da, db, r: (a - r * (da + db), b - r * (da + db))),
)


@wrong("1.4", "One step too few")
def one_too_few(a, b, x, y, rate, n):
    path = [(a, b)]
    for _ in range(n - 1):
        da, db = line_gradient(a, b, x, y)
        a, b = float(a - rate * da), float(b - rate * db)
        path.append((a, b))
    return torch.tensor(path)


@wrong("1.4", "One step too many")
def one_too_many(a, b, x, y, rate, n):
    path = [(a, b)]
    while len(path) <= n + 1:
        da, db = line_gradient(a, b, x, y)
        a, b = float(a - rate * da), float(b - rate * db)
        path.append((a, b))
    return torch.tensor(path)


@wrong("1.4", "You moved the slope before")
def one_after_the_other(a, b, x, y, rate, n):
    path = [(a, b)]
    for _ in range(n):
        a = float(a - rate * line_gradient(a, b, x, y)[0])
        b = float(b - rate * line_gradient(a, b, x, y)[1])
        path.append((a, b))
    return torch.tensor(path)


@wrong("1.4", "You moved the intercept before")
def intercept_first(a, b, x, y, rate, n):
    path = [(a, b)]
    for _ in range(n):
        b = float(b - rate * line_gradient(a, b, x, y)[1])
        a = float(a - rate * line_gradient(a, b, x, y)[0])
        path.append((a, b))
    return torch.tensor(path)


@wrong("1.4", "You computed the gradient once")
def once(a, b, x, y, rate, n):
    da, db = line_gradient(a, b, x, y)
    return torch.tensor(
        [(float(a - i * rate * da), float(b - i * rate * db)) for i in range(n + 1)]
    )


@wrong("1.4", "The path is right, but it is a list")
def a_list(a, b, x, y, rate, n):
    path = [(a, b)]
    for _ in range(n):
        da, db = line_gradient(a, b, x, y)
        a, b = (a - rate * da).item(), (b - rate * db).item()
        path.append((a, b))
    return path


@wrong("1.4", "You returned only the last point")
def only_the_end(a, b, x, y, rate, n):
    for _ in range(n):
        da, db = line_gradient(a, b, x, y)
        a, b = a - rate * da, b - rate * db
    return torch.tensor([a, b])


@wrong("1.4", "Your path is turned")
def two_rows(a, b, x, y, rate, n):
    slopes, intercepts = [a], [b]
    for _ in range(n):
        da, db = line_gradient(slopes[-1], intercepts[-1], x, y)
        slopes.append(float(slopes[-1] - rate * da))
        intercepts.append(float(intercepts[-1] - rate * db))
    return torch.tensor([slopes, intercepts])


@wrong("1.4", "Your columns are in the wrong order")
def intercept_in_front(a, b, x, y, rate, n):
    path = [(b, a)]
    for _ in range(n):
        da, db = line_gradient(a, b, x, y)
        a, b = float(a - rate * da), float(b - rate * db)
        path.append((b, a))
    return torch.tensor(path)


@wrong("1.4", "`backward` adds")
def never_reset(a, b, x, y, rate, n):
    point = torch.tensor([a, b], requires_grad=True)
    path = [point.detach().clone()]
    for _ in range(n):
        ((point[0] * x + point[1] - y) ** 2).mean().backward()
        with torch.no_grad():
            point -= rate * point.grad
        path.append(point.detach().clone())
    return torch.stack(path)


@wrong("1.4", "All points of your path are the last")
def one_tensor(a, b, x, y, rate, n):
    point, path = torch.tensor([a, b]), []
    for _ in range(n):
        path.append(point)
        point -= rate * torch.stack(line_gradient(point[0], point[1], x, y))
    return torch.stack([*path, point])


@wrong("1.4", "Your gradient is a sum")
def summed(a, b, x, y, rate, n):
    path = [(a, b)]
    for _ in range(n):
        error = a * x + b - y
        a, b = float(a - rate * 2 * (error * x).sum()), float(b - rate * 2 * error.sum())
        path.append((a, b))
    return torch.tensor(path)


@wrong("1.4", "Your steps are half as long")
def no_two(a, b, x, y, rate, n):
    path = [(a, b)]
    for _ in range(n):
        error = a * x + b - y
        a, b = float(a - rate * (error * x).mean()), float(b - rate * error.mean())
        path.append((a, b))
    return torch.tensor(path)


@wrong("1.4", ("You walk uphill", "The start is missing"))
def up_and_late(a, b, x, y, rate, n):
    path = []
    for _ in range(n):
        da, db = line_gradient(a, b, x, y)
        a, b = float(a + rate * da), float(b + rate * db)
        path.append((a, b))
    return torch.tensor(path).reshape(-1, 2)


@wrong("1.4", "The walk ends before n_steps steps")
def stops_where_it_is_flat(a, b, x, y, rate, n):
    path = [(a, b)]
    for _ in range(n):
        da, db = line_gradient(a, b, x, y)
        if abs(da) + abs(db) < 1e-3:
            break
        a, b = float(a - rate * da), float(b - rate * db)
        path.append((a, b))
    return torch.tensor(path)


@wrong("1.4", ANY)
def stops_early(a, b, x, y, rate, n):
    path = [(a, b)]
    for _ in range(n):
        da, db = line_gradient(a, b, x, y)
        a, b = float(a - rate * da), float(b - rate * db)
        path.append((a, b))
        return torch.tensor(path)
    return torch.tensor(path)
