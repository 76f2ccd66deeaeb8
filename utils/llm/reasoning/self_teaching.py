"""A model that learns from its own verified answers: policy gradient with a group baseline.

Sources: REINFORCE (Williams 1992); the group's mean as the baseline, GRPO (Shao and others 2024).
Shapes: `B` prompts a round, `G` answers to each (a group), `T` tokens.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.sampling.loop import Sampler, generate
from utils.llm.training.interrupts import deferred_interrupt
from utils.llm.training.optimizer import make_adamw, parameter_groups

__all__ = ["SelfTeaching", "group_advantages", "policy_loss", "self_teach"]

Reward = Callable[[Tensor], object]
PolicyLoss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]  # as `policy_loss`


@dataclass
class SelfTeaching:
    """The mean reward of each round's answers, before the round's own step."""

    rewards: list[float] = field(default_factory=list)


def group_advantages(rewards: Float[Tensor, "B G"]) -> Float[Tensor, "B G"]:
    """How much better each answer is than the others of its group, in standard deviations.

    (reward − mean) / deviation, over the answers to one question; where all got the same reward
    there is nothing to learn, and all advantages are 0. The deviation is that of the group itself
    (division by G). Source: Shao and others 2024, section 4.1.

    >>> group_advantages(torch.tensor([[1.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]]))
    tensor([[ 1., -1., -1.,  1.],
            [ 0.,  0.,  0.,  0.]])
    """
    better = rewards - rewards.mean(dim=1, keepdim=True)  # (B, G)
    deviation = rewards.std(dim=1, correction=0, keepdim=True)  # (B, 1)
    return torch.where(deviation > 1e-6, better / deviation.clamp(min=1e-6), 0.0)


def policy_loss(
    logits: Float[Tensor, "N T V"],
    targets: Int[Tensor, "N T"],
    learned: Bool[Tensor, "N T"],
    advantages: Float[Tensor, "N"],
) -> Float[Tensor, ""]:
    """Minus Σ advantage · log p(token), over the learned tokens of N answers, by their number.

    Its gradient is minus the policy gradient (Williams 1992): a step down makes the tokens of
    answers with a positive advantage more likely, the others less.
    """
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    weighted = losses.view_as(learned) * learned * advantages[:, None]  # (N, T)
    return weighted.sum() / learned.sum()


def self_teach(
    model: nn.Module,
    prompts: Int[Tensor, "N T"],
    reward: Reward,
    rounds: int,
    *,
    max_new_tokens: int,
    stop_ids: Collection[int],
    prompts_a_round: int = 48,
    group: int = 8,
    learning_rate: float = 1e-3,
    advantages: Callable[[Tensor], Tensor] = group_advantages,
    loss: PolicyLoss | None = None,
    seed: int = 0,
    report: int = 0,
) -> SelfTeaching:
    """Train a model in place on answers that it samples itself.

    Each round draws prompts, all of one length, and samples a `group` of answers to each from the
    model as it is. `reward(ids)` gives a number for each row, prompt and answer together. Then one
    step of AdamW makes answers better than their group's mean more likely, the others less, by the
    `advantages` of the rewards (B, G), along the gradient of `loss` (`policy_loss` where none is
    given). No right answer is ever shown. Ctrl-C ends it after the round.
    """
    optimizer = make_adamw(parameter_groups(model, 0.0), learning_rate, (0.9, 0.95))
    generator = torch.Generator().manual_seed(seed)
    told, start = SelfTeaching(), time.perf_counter()
    model.eval()
    with deferred_interrupt() as interrupted:
        for i in range(rounds):
            chosen = torch.randperm(len(prompts), generator=generator)[:prompts_a_round]
            steps = generate(
                model, prompts[chosen], max_new_tokens, Sampler(), seed=seed + i, n_samples=group
            )
            written = torch.stack(list(steps), dim=1)  # (B · G, new)
            learned = _up_to_the_end(written, stop_ids)
            written = written.masked_fill(~learned, -1)
            ids = torch.cat([prompts[chosen].repeat_interleave(group, dim=0), written], dim=1)
            rewards = torch.as_tensor(reward(ids), dtype=torch.float32)
            told.rewards.append(rewards.mean().item())
            better = advantages(rewards.view(-1, group)).flatten()
            _step(model, optimizer, ids, learned, better, loss or policy_loss)
            if report and (i + 1) % report == 0:
                _tell(told.rewards, report, rounds, time.perf_counter() - start)
            if interrupted:
                print(f"interrupted after round {i + 1}; what was learned is kept")
                break
    return told


def _up_to_the_end(written: Int[Tensor, "N T"], stop_ids: Collection[int]) -> Bool[Tensor, "N T"]:
    """True up to each row's first stop token, and at it: to stop there is learned as well."""
    stopped = torch.isin(written, torch.tensor(sorted(stop_ids)))
    return (stopped.cumsum(dim=1) - stopped.int()) == 0


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    ids: Int[Tensor, "N T"],
    learned: Bool[Tensor, "N new"],
    advantages: Float[Tensor, "N"],
    loss: PolicyLoss,
) -> None:
    """One step down the loss, over the tokens written."""
    useful = advantages != 0
    if not bool(useful.any()):
        return
    ids, learned, advantages = ids[useful], learned[useful], advantages[useful]
    n_new = learned.shape[1]
    logits = model(ids.clamp(min=0)[:, :-1])[:, -n_new:]  # (N, new, V)
    targets = ids[:, -n_new:].clamp(min=0)
    optimizer.zero_grad()
    loss(logits, targets, learned, advantages).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def _tell(rewards: list[float], report: int, rounds: int, seconds: float) -> None:
    recent = rewards[-report:]
    left = seconds / len(rewards) * (rounds - len(rewards))
    print(
        f"round {len(rewards)} of {rounds}: mean reward {sum(recent) / len(recent):.2f}, "
        f"{left:.0f} s left",
        flush=True,
    )
