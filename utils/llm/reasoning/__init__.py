"""Week 5: votes, chains of thought, and a model that teaches itself."""

from utils.llm.reasoning.votes import (
    SelfTeaching,
    Vote,
    answer_shares,
    best_of_n,
    binomial_majority,
    group_advantages,
    maj_at_k,
    majority_vote,
    mean_and_error,
    pass_at_k,
    policy_loss,
    predicted_maj_at_k,
    self_teach,
    wilson_interval,
)

__all__ = [
    "SelfTeaching",
    "Vote",
    "answer_shares",
    "best_of_n",
    "binomial_majority",
    "group_advantages",
    "maj_at_k",
    "majority_vote",
    "mean_and_error",
    "pass_at_k",
    "policy_loss",
    "predicted_maj_at_k",
    "self_teach",
    "wilson_interval",
]
