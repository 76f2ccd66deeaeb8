"""Wrong answers to exercise 7.6."""

from __future__ import annotations

import math

from mutants.cases import ANY, wrongs

wrongs(
    "7.6",
    says="You took 2 to the power of nats: the loss is",
    two_to_nats=lambda x, n: (2 ** x.mean(), x.sum() / math.log(2) / n),
    two_to_nats_in_nats=lambda x, n: (2 ** x.mean(), x.sum() / n),
)
wrongs(
    "7.6",
    says="This is the mean of the perplexities: first",
    mean_of_exps=lambda x, n: (x.exp().mean(), x.sum() / math.log(2) / n),
)
wrongs(
    "7.6",
    says="This is the perplexity of the whole text:",
    of_the_text=lambda x, n: (x.sum().exp(), x.sum() / math.log(2) / n),
)
wrongs(
    "7.6",
    says="This is a perplexity per word: the",
    of_a_word=lambda x, n: ((x.sum() / n).exp(), x.sum() / math.log(2) / n),
)
wrongs(
    "7.6",
    says="e to the power of bits: convert the loss to",
    bits_exp=lambda x, n: (((x.mean() / math.log(2)).exp(), x.sum() / math.log(2) / n)),
)
wrongs(
    "7.6",
    says="The exponential is forgotten: the perplexity",
    no_exp=lambda x, n: (x.mean(), x.sum() / math.log(2) / n),
    no_exp_nats=lambda x, n: (x.mean(), x.sum() / n),
)
wrongs(
    "7.6",
    says="This is the chance, and the perplexity is one",
    chance=lambda x, n: ((-x.mean()).exp(), x.sum() / math.log(2) / n),
)
wrongs(
    "7.6",
    says="The second number is in nats: divide by ln",
    nats=lambda x, n: (x.mean().exp(), x.sum() / n),
)
wrongs(
    "7.6",
    says="These are bits per token: divide the sum by",
    bits_a_token=lambda x, n: (x.mean().exp(), x.mean() / math.log(2)),
)
wrongs(
    "7.6",
    says="These are the bits of the whole text: divide",
    bits_of_text=lambda x, n: (x.mean().exp(), x.sum() / math.log(2)),
)
wrongs(
    "7.6",
    says="You divided the mean by the number of words:",
    twice_divided=lambda x, n: (x.mean().exp(), x.mean() / math.log(2) / n),
    log2_of_ppl=lambda x, n: (x.mean().exp(), x.mean().exp().log2() / n),
)
wrongs(
    "7.6",
    says="The losses were multiplied by ln 2, or",
    times_ln=lambda x, n: (x.mean().exp(), x.sum() * math.log(2) / n),
)
wrongs(
    "7.6",
    says="The logarithm was taken twice: losses are",
    log2_of_sum=lambda x, n: (x.mean().exp(), x.sum().log2() / n),
)
wrongs(
    "7.6",
    says="You took log2 of each loss: losses are",
    log2_of_each=lambda x, n: (x.mean().exp(), x.log2().sum() / n),
)
wrongs(
    "7.6",
    says="The two are swapped: perplexity",
    turned=lambda x, n: (x.sum() / math.log(2) / n, x.mean().exp()),
)
wrongs(
    "7.6",
    says="Only the perplexity came back: return both,",
    alone=lambda x, n: x.mean().exp(),
)
wrongs(
    "7.6",
    says=ANY,
    rounded=lambda x, n: (round(float(x.mean().exp())), x.sum() / math.log(2) / n),
)
