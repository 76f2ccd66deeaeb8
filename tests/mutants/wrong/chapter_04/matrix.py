"""Wrong answers to exercises 4.1 to 4.3, as learners write them."""

from __future__ import annotations

import torch
from mutants.cases import ANY, course, wrongs

wrongs(
    "4.2",
    says="Your mask lets a token see its future",
    upper=lambda n: torch.ones(n, n).triu().bool(),
    turned=lambda n: torch.arange(n)[:, None] <= torch.arange(n),
)
wrongs("4.2", says="A token sees only itself", only_itself=lambda n: torch.eye(n, dtype=torch.bool))


# 4.1


def _steps(x, w_q, w_k, w_v, mask, *, scale=None, hide=None, weigh=None, product=None):
    q, k, v = x @ w_q, x @ w_k, x @ w_v
    scores = (product or (lambda q, k: q @ k.T))(q, k) / (scale or q.shape[-1] ** 0.5)
    masked = (hide or (lambda s: s.masked_fill(~mask, -torch.inf)))(scores)
    weights = (weigh or (lambda m: m.softmax(-1)))(masked)
    return q, k, v, scores, masked, weights, weights @ v


wrongs("4.1", says="The scale is missing", no_scale=lambda *a: _steps(*a, scale=1.0))
wrongs(
    "4.1",
    says="You scaled by the width of x",
    by_x=lambda *a: _steps(*a, scale=a[0].shape[-1] ** 0.5),
)
wrongs(
    "4.1",
    says="q, k and v are right. Your scores are",
    by_eight=lambda *a: _steps(*a, scale=8.0),
    by_d_squared=lambda *a: _steps(*a, scale=float(a[1].shape[-1] ** 2)),
)
wrongs(
    "4.1",
    says="q, k and v are right, and `scores` are not",
    cosines=lambda *a: _steps(
        *a, product=lambda q, k: torch.cosine_similarity(q[:, None], k[None], dim=-1)
    ),
    distances=lambda *a: _steps(*a, product=lambda q, k: -torch.cdist(q, k)),
)
wrongs(
    "4.1",
    says="A forbidden score became a small number",
    a_thousand=lambda *a: _steps(*a, hide=lambda s: s.masked_fill(~a[4], -1e3)),
    a_hundred=lambda *a: _steps(*a, hide=lambda s: s.masked_fill(~a[4], -100.0)),
    two_hundred=lambda *a: _steps(*a, hide=lambda s: s + (1 - a[4].float()) * -200),
)
wrongs(
    "4.1",
    says="A forbidden score became +inf",
    minus_forgotten=lambda *a: _steps(*a, hide=lambda s: s.masked_fill(~a[4], torch.inf)),
)
wrongs(
    "4.1",
    says="∞ · 0 is NaN",
    times_inf=lambda *a: _steps(*a, hide=lambda s: s + (~a[4]) * -torch.inf),
)
wrongs(
    "4.1",
    says="Your exponentials overflow",
    by_hand=lambda *a: _steps(*a, weigh=lambda m: m.exp() / m.exp().sum(-1, keepdim=True)),
)
wrongs(
    "4.1",
    says="`masked` is right",
    squared=lambda *a: _steps(*a, weigh=lambda m: m.softmax(-1) ** 2),
    colder=lambda *a: _steps(*a, weigh=lambda m: (2 * m).softmax(-1)),
)
wrongs(
    "4.1",
    says="`weights` are right, and `out` is not",
    doubled=lambda *a: (*_steps(*a)[:6], 2 * _steps(*a)[6]),
    residual=lambda *a: (*_steps(*a)[:6], _steps(*a)[6] + _steps(*a)[2]),
)
wrongs(
    "4.1",
    says="`masked` is missing",
    six=lambda *a: (*_steps(*a)[:4], *_steps(*a)[5:]),
)
wrongs("4.1", says="Only `out` came back", only_out=lambda *a: _steps(*a)[-1])
wrongs(
    "4.1",
    says=("Queries and keys are swapped", "The scale is missing"),
    swapped_unscaled=lambda x, w_q, w_k, w_v, m: _steps(x, w_k, w_q, w_v, m, scale=1.0),
)
wrongs(
    "4.1",
    says="The mask is transposed",
    mask_turned=lambda x, q, k, v, m: (
        *_steps(x, q, k, v, m)[:4],
        *_steps(x, q, k, v, m.T)[4:],
    ),
)
wrongs(
    "4.1",
    says=ANY,
    turned_products=lambda x, q, k, v, m: _steps(x, q.T, k.T, v.T, m),
    mask_softmax=lambda *a: _steps(*a, weigh=lambda m: a[4].softmax(-1)),
    list_of_two=lambda *a: [_steps(*a)[-1], _steps(*a)[-2]],
    nothing=lambda *a: None,
    out_first=lambda *a: _steps(*a)[::-1],
)


# 4.2

wrongs(
    "4.2",
    says="These are numbers to add to the scores",
    additive=lambda n: torch.full((n, n), -torch.inf).triu(1),
)
wrongs(
    "4.2",
    says="These are ones and zeros",
    floats=lambda n: torch.ones(n, n).tril(),
    integers=lambda n: torch.ones(n, n, dtype=torch.long).tril(),
)
wrongs(
    "4.2",
    says="A token may look at itself",
    strict=lambda n: torch.arange(n)[:, None] > torch.arange(n),
)
wrongs(
    "4.2",
    says="Your mask is the wrong way round",
    inverted=lambda n: torch.arange(n)[:, None] < torch.arange(n),
)
wrongs(
    "4.2",
    says="One step of future leaks",
    one_more=lambda n: torch.arange(n)[:, None] + 1 >= torch.arange(n),
)
wrongs("4.2", says="Everybody may look", all_true=lambda n: torch.ones(n, n, dtype=torch.bool))
wrongs("4.2", says="Nobody may look", none=lambda n: torch.zeros(n, n, dtype=torch.bool))
wrongs(
    "4.2",
    says="The mask has one row and one column too many",
    larger=lambda n: torch.ones(n + 1, n + 1).tril().bool(),
)
wrongs(
    "4.2",
    says=("Your mask lets a token see", "These are"),
    upper_floats=lambda n: torch.ones(n, n).triu(),
)
wrongs(
    "4.2",
    says=ANY,
    row=lambda n: torch.arange(n) <= n,
    lists=lambda n: [[j <= i for j in range(n)] for i in range(n)],
    column=lambda n: (torch.arange(n) <= n)[:, None],
    batch=lambda n: torch.ones(1, n, n).tril().bool(),
    fixed=lambda n: torch.ones(3, 3).tril().bool(),
    junk=lambda n: torch.empty(n, n).tril().bool(),
    caret=lambda n: torch.ones(n, n) ^ torch.ones(n, n),
    scores=lambda n: torch.zeros(n, n).masked_fill(torch.ones(n, n).triu(1).bool(), -1e9),
)

wrongs(
    "4.3",
    says="One token of filling counts",
    at_most=lambda n, t: (torch.arange(t) <= n[:, None])[:, None, None],
)
wrongs(
    "4.3",
    says="The last word of each text is hidden",
    from_one=lambda n, t: (torch.arange(1, t + 1) < n[:, None])[:, None, None],
)
wrongs(
    "4.3",
    says="Your mask is the wrong way round",
    torch_way=lambda n, t: (torch.arange(t) >= n[:, None])[:, None, None],
)
wrongs(
    "4.3",
    says="You hid the queries",
    rows=lambda n, t: (torch.arange(t) < n[:, None])[:, None, :, None],
)
wrongs("4.3", says="Two axes are missing", flat=lambda n, t: torch.arange(t) < n[:, None])
wrongs(
    "4.3", says="One axis is missing", three=lambda n, t: (torch.arange(t) < n[:, None])[:, None]
)
wrongs(
    "4.3",
    says="The new axes stand in front",
    front=lambda n, t: (torch.arange(t) < n[:, None])[None, None],
)
wrongs(
    "4.3",
    says="T is n_tokens",
    longest=lambda n, t: (torch.arange(int(n.max())) < n[:, None])[:, None, None],
)
wrongs(
    "4.3",
    says="These are ones and zeros",
    ones=lambda n, t: (torch.arange(t) < n[:, None])[:, None, None].float(),
)
wrongs(
    "4.3",
    says="These are numbers to add",
    additive=lambda n, t: torch.zeros(len(n), 1, 1, t).masked_fill(
        ~(torch.arange(t) < n[:, None])[:, None, None], -torch.inf
    ),
)
wrongs(
    "4.3",
    says=("Your mask is the wrong way round", "Two axes are missing"),
    inverted_flat=lambda n, t: torch.arange(t) >= n[:, None],
)
wrongs(
    "4.3",
    says=("One token of filling counts", "You hid the queries"),
    rows_at_most=lambda n, t: (torch.arange(t) <= n[:, None])[:, None, :, None],
)
wrongs(
    "4.3",
    says=ANY,
    equal=lambda n, t: (torch.arange(t) == n[:, None])[:, None, None],
    no_column=lambda n, t: (torch.arange(t) < n)[None, None, None],
    nested=lambda n, t: [[[[j < m for j in range(t)]]] for m in n.tolist()],
    square=lambda n, t: (torch.arange(t) < n[:, None])[:, None, None].expand(-1, 1, t, t),
    swapped=lambda n, t: torch.arange(len(n)) < t,
    zeros=lambda n, t: torch.zeros(len(n), 1, 1, t, dtype=torch.bool),
    sums=lambda n, t: n.sum(),
    five_axes=lambda n, t: (torch.arange(t) < n[:, None])[:, None, None, None],
)

wrongs(
    "4.3",
    says="Lengths and places stand on each other's axes",
    a_column_a_text=lambda n, t: (torch.arange(t)[:, None] < n)[:, None, None, :],
)
wrongs(
    "4.3",
    says="The lengths need an axis of their own",
    no_axis=lambda n, t: (torch.arange(t) < n)[:, None, None, :],
)
wrongs(
    "4.3",
    says="The causal mask is in it already",
    causal_too=lambda n, t: (torch.arange(t) < n[:, None])[:, None, None] & course("4.2")(t),
)
