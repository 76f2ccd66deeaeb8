"""Wrong answers to exercises 5.4 and 5.5, as learners write them."""

from __future__ import annotations

from mutants.cases import ANY, wrong, wrongs


def _block(x, n1, a, n2, f, first=None, second=None):
    step = lambda x, n, w: x + w(n(x))  # noqa: E731
    middle = (first or step)(x, n1, a)
    return middle, (second or step)(middle, n2, f)


def _post(x, n, w):
    return n(x + w(x))


wrongs(
    "5.4", says="This is the post-norm block", post=lambda *a: _block(*a, first=_post, second=_post)
)


wrongs(
    "5.4",
    says="At attention the norm stands behind the sum",
    one=lambda *a: _block(*a, first=_post),
)


wrongs(
    "5.4",
    says="At the feed-forward layer the norm stands behind the sum",
    other=lambda *a: _block(*a, second=_post),
)


wrongs(
    "5.4",
    says="Both residuals are lost",
    none=lambda *a: _block(*a, first=lambda x, n, w: w(n(x)), second=lambda x, n, w: w(n(x))),
)


wrongs(
    "5.4",
    says="The residual around attention is lost",
    lost=lambda *a: _block(*a, first=lambda x, n, w: w(n(x))),
)


wrongs(
    "5.4",
    says="At attention you normalised the stream itself",
    stream=lambda *a: _block(*a, first=lambda x, n, w: n(x) + w(n(x))),
)


wrongs(
    "5.4",
    says="The branch of attention is gone through twice",
    twice=lambda *a: _block(*a, first=lambda x, n, w: (x + w(n(x))) + w(n(x + w(n(x))))),
)


wrongs(
    "5.4",
    says="The two branches both read x",
    parallel=lambda x, n1, a, n2, f: (
        x + a(n1(x)),
        x + a(n1(x)) + f(n2(x)),
    ),
)


wrongs("5.4", says="You used norm_1 for both", same=lambda x, n1, a, n2, f: _block(x, n1, a, n1, f))


wrongs("5.4", says="The norms are swapped", swapped=lambda x, n1, a, n2, f: _block(x, n2, a, n1, f))


wrongs("5.4", says="You returned the output first", order=lambda *a: _block(*a)[::-1])


wrongs(
    "5.4", says="x was added twice", x_twice=lambda x, *a: (_block(x, *a)[0], x + _block(x, *a)[1])
)


wrongs(
    "5.4",
    says=("The norm of attention is missing", "The residual around the feed"),
    two=lambda *a: _block(*a, first=lambda x, n, w: x + w(x), second=lambda x, n, w: w(n(x))),
)


wrongs(
    "5.4",
    says="`after_attention` is right",
    halved=lambda *a: _block(*a, second=lambda x, n, w: x + w(n(x)) / 2),
    minus=lambda *a: _block(*a, second=lambda x, n, w: x + w(n(-x))),
)


wrongs(
    "5.4",
    says="The second branch is right",
    scaled=lambda *a: _block(*a, first=lambda x, n, w: x + 0.5 * w(n(x))),
)


wrongs(
    "5.4",
    says=ANY,
    nothing=lambda *a: None,
    only=lambda *a: _block(*a)[1],
    unchanged=lambda x, *a: (x, x),
    three=lambda x, *a: (x, *_block(x, *a)),
)


@wrong("5.4", says=ANY)
def in_place(x, norm_1, attend, norm_2, feed_forward):
    x += attend(norm_1(x))
    out = x + feed_forward(norm_2(x))
    return x, out


def _count(norms=None, att=None, ff=None):
    def count(c, h):
        return (
            (norms or (lambda c: 4 * c))(c),
            (att or (lambda c: 4 * c * c + 4 * c))(c),
            (ff or (lambda c: 8 * c * c + 5 * c))(c),
        )

    return count


wrongs(
    "5.5",
    says="Attention has four biases, one a matrix, 4C in all, and you counted three",
    three=_count(att=lambda c: 4 * c * c + 3 * c),
)


wrongs(
    "5.5",
    says="Attention has four biases, one a matrix, 4C in all, and you counted one",
    one=_count(att=lambda c: 4 * c * c + c),
)


wrongs("5.5", says="The biases of attention are missing", no_bias=_count(att=lambda c: 4 * c * c))


wrongs(
    "5.5", says="Attention's last projection is missing", qkv=_count(att=lambda c: 3 * (c * c + c))
)


wrongs(
    "5.5",
    says="The biases of the matrices are missing",
    none=_count(att=lambda c: 4 * c * c, ff=lambda c: 8 * c * c),
)


wrongs("5.5", says="The block has two norms", one_norm=_count(norms=lambda c: 2 * c))


wrongs(
    "5.5",
    says="The second bias of the feed-forward layer is missing",
    four=_count(ff=lambda c: 8 * c * c + 4 * c),
)


wrongs(
    "5.5",
    says="The first bias of the feed-forward layer is missing",
    last=_count(ff=lambda c: 8 * c * c + c),
)


wrongs("5.5", says="Your hidden layer is 2C wide", narrow=_count(ff=lambda c: 4 * c * c + 3 * c))


wrongs(
    "5.5",
    says=("The block has two norms", "The biases of attention"),
    two=_count(lambda c: 2 * c, lambda c: 4 * c * c),
)


wrongs(
    "5.5",
    says=("A norm learns a weight", "The second bias"),
    three_wrong=_count(lambda c: 4, None, lambda c: 8 * c * c + 4 * c),
)


wrongs("5.5", says="You returned the sum", total=lambda c, h: 12 * c * c + 13 * c)


wrongs(
    "5.5",
    says="The norms come first",
    order=lambda c, h: (4 * c * c + 4 * c, 8 * c * c + 5 * c, 4 * c),
)


wrongs(
    "5.5",
    says="Attention and feed-forward layer have changed places",
    changed=lambda c, h: (4 * c, 8 * c * c + 5 * c, 4 * c * c + 4 * c),
)


wrongs(
    "5.5",
    says="`attention` is",
    by_heads=lambda c, h: (
        4 * c,
        4 * c * c + 4 * c + h,
        8 * c * c + 5 * c,
    ),
    five=_count(att=lambda c: 5 * c * c + 5 * c),
)


wrongs("5.5", says="`feed_forward` is", ten=_count(ff=lambda c: 10 * c * c + 5 * c))


wrongs("5.5", says="`norms` is", plus_one=_count(norms=lambda c: 4 * c + 1))


wrongs(
    "5.5",
    says=ANY,
    floats=lambda c, h: (4.0 * c, 4 * c * c + 4 * c, 8 * c**2 + 5 * c),
    power=lambda c, h: (4 * c, 4 * c**c, 8 * c),
    nothing=lambda c, h: None,
    fixed=lambda c, h: (8, 24, 42),
)
