"""REINFORCE with a running baseline (Williams, Machine Learning 1992) on a corridor."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

EPISODES, STEPS, CELLS = 16, 20, 7


class Corridor:
    """Walk from the middle to the right end: 1 for coming there, -0.02 a step; the floor slips."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.cell = CELLS // 2

    def step(self, goes_right: bool) -> tuple[float, bool]:
        """Return the reward, and whether the episode is over."""
        slips = self.rng.random() < 0.1
        self.cell = max(0, self.cell + (1 if goes_right != slips else -1))
        is_there = self.cell == CELLS - 1
        return (1.0 if is_there else -0.02), is_there


class Reinforce:
    """A policy net, its optimizer, and the mean return so far."""

    def __init__(self, trial: Any, lr: float, one_minus_gamma: float, hidden: int) -> None:
        self.gamma = 1 - one_minus_gamma
        self.policy = nn.Sequential(nn.Linear(CELLS, hidden), nn.Tanh(), nn.Linear(hidden, 2))
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=lr)
        self.baseline = torch.zeros(())
        self.rng = np.random.default_rng(trial.seed)
        trial.keep(
            policy=self.policy, optimizer=self.optimizer, baseline=self.baseline, rng=self.rng
        )

    def train_epoch(self) -> dict[str, float]:
        """Play some episodes, and take one step up the gradient of their returns."""
        losses, rewards = [], []
        for _ in range(EPISODES):
            log_probabilities, gained = self.play(Corridor(int(self.rng.integers(2**31))))
            returns = torch.tensor(discounted(gained, self.gamma))
            losses.append(-(log_probabilities * (returns - self.baseline)).sum())
            self.baseline.mul_(0.9).add_(0.1 * returns[0])
            rewards.append(sum(gained))
        self.optimizer.zero_grad()
        torch.stack(losses).mean().backward()
        self.optimizer.step()
        return {"reward": float(np.mean(rewards))}

    def evaluate(self, rows: Any) -> dict[str, float]:
        """Play other episodes: the same ones for every trial, and others at the very end."""
        seeds = np.random.default_rng(rows.seed).integers(2**31, size=32)
        return {"reward": float(np.mean([sum(self.play(Corridor(int(s)))[1]) for s in seeds]))}

    def play(self, corridor: Corridor) -> tuple[Tensor, list[float]]:
        """Return the log-probabilities of the actions of an episode, and its rewards."""
        taken, gained, is_over = [], [], False
        while not is_over and len(gained) < STEPS:
            here = torch.nn.functional.one_hot(torch.tensor(corridor.cell), CELLS).float()
            choice = torch.distributions.Categorical(logits=self.policy(here))
            action = choice.sample()
            reward, is_over = corridor.step(bool(action))
            taken.append(choice.log_prob(action))
            gained.append(reward)
        return torch.stack(taken), gained


def discounted(rewards: list[float], gamma: float) -> list[float]:
    """Return what came after each step, less the later it came."""
    total, found = 0.0, []
    for reward in reversed(rewards):
        total = reward + gamma * total
        found.append(total)
    return found[::-1]
