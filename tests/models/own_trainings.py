"""Training of the user's own, as the tests of it name it: right in two forms, and wrong in many."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus

LOSS = {"loss": 1.0}


def noisy_net(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(inputs, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, outputs)
    )


def batch_loss(net: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    noise = 0.1 * np.random.normal(size=x.shape).astype(np.float32)
    return cross_entropy(net(x + torch.from_numpy(noise)), y)


def measured(net: nn.Module, rows: Any) -> dict[str, Any]:
    outputs = net(rows.x)
    hits = (outputs.argmax(1) == rows.y).float().mean()
    return {"loss": cross_entropy(outputs, rows.y), "hits": hits}


def steps(trial: Any, lr: float = 0.1) -> Iterator[dict[str, float]]:
    net = noisy_net(trial.train.x.shape[1], trial.data.outputs)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    trial.keep(net=net, optimizer=optimizer)

    for _ in trial.epochs(lambda rows: measured(net, rows), predict=net):
        losses = []
        for rows in torch.randperm(len(trial.train)).split(16):
            loss = batch_loss(net, trial.train.x[rows], trial.train.y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        yield {"loss": float(np.mean(losses))}


class Steps:
    """The same as `steps`, in the other form."""

    def __init__(self, trial: Any, lr: float = 0.1) -> None:
        self.train = trial.train
        self.net = noisy_net(trial.train.x.shape[1], trial.data.outputs)
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=lr, momentum=0.9)
        trial.keep(net=self.net, optimizer=self.optimizer)

    def train_epoch(self) -> dict[str, float]:
        losses = []
        for rows in torch.randperm(len(self.train)).split(16):
            loss = batch_loss(self.net, self.train.x[rows], self.train.y[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(float(loss.detach()))
        return {"loss": float(np.mean(losses))}

    def evaluate(self, rows: Any) -> dict[str, Any]:
        return measured(self.net, rows)

    def predict(self, x: Tensor) -> Tensor:
        return self.net(x)


def two_nets(trial: Any, lr: float = 0.01) -> Iterator[None]:
    """Two nets against one another, each with an Adam and a falling rate."""
    columns = trial.train.x.shape[1]
    maker, judge = nn.Linear(2, columns), nn.Linear(columns, 1)
    optimizers = [torch.optim.Adam(net.parameters(), lr=lr) for net in (maker, judge)]
    rates = [torch.optim.lr_scheduler.StepLR(one, 2) for one in optimizers]
    draws = torch.Generator().manual_seed(trial.seed % 2**63)
    trial.keep(maker=maker, judge=judge, draws=draws)
    trial.keep(first=optimizers[0], second=optimizers[1], rate=rates[0], other_rate=rates[1])

    def evaluate(rows: Any) -> dict[str, Tensor]:
        made = maker(torch.randn(len(rows), 2))
        return {"loss": (made.mean(0) - rows.x.mean(0)).square().sum()}

    for _ in trial.epochs(evaluate):
        for _ in range(5):
            made = maker(torch.randn(16, 2, generator=draws))
            judged = judge(trial.train.x[:16]), judge(made.detach())
            softplus(torch.cat([-judged[0], judged[1]])).mean().backward()
            optimizers[1].step()
            softplus(-judge(made)).mean().backward()
            optimizers[0].step()
            maker.zero_grad()
            judge.zero_grad()
        for rate in rates:
            rate.step()
        yield


def cuts_by_itself(trial: Any) -> Iterator[None]:
    """Which rows it trains on is drawn while it is built, and not kept."""
    rows = torch.randperm(len(trial.train))[: len(trial.train) // 2]
    net = noisy_net(trial.train.x.shape[1], trial.data.outputs)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    trial.keep(net=net, optimizer=optimizer)
    for _ in trial.epochs(lambda part: measured(net, part)):
        batch_loss(net, trial.train.x[rows], trial.train.y[rows]).backward()
        optimizer.step()
        optimizer.zero_grad()
        yield


class Bandit:
    """Learns by trying, without data and without a net: kept are arrays, counts and generators."""

    def __init__(self, trial: Any, explore: float = 0.2, arms: int = 4) -> None:
        self.explore, self.means = explore, np.linspace(0, 1, arms)
        self.values, self.counts = np.zeros(arms), {"pulls": [0] * arms}
        self.rng, self.coin = np.random.default_rng(trial.seed), random.Random(trial.seed)
        trial.keep(values=self.values, counts=self.counts, rng=self.rng, coin=self.coin)

    def train_epoch(self) -> None:
        for _ in range(20):
            is_random = self.coin.random() < self.explore
            arm = int(self.rng.integers(len(self.means)) if is_random else self.values.argmax())
            self.counts["pulls"][arm] += 1
            reward = self.rng.normal(self.means[arm])
            self.values[arm] += (reward - self.values[arm]) / self.counts["pulls"][arm]

    def evaluate(self, rows: Any) -> dict[str, float]:
        arms = np.random.default_rng(rows.seed).integers(len(self.means), size=50)
        return {"loss": float(np.abs(self.values - self.means)[arms].mean())}


def fits_a_line(trial: Any) -> Iterator[None]:
    net = nn.Linear(trial.train.x.shape[1], 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    trial.keep(net=net, optimizer=optimizer)

    def error(rows: Any) -> Tensor:
        return (net(rows.x).flatten() - rows.y).square().mean()

    for _ in trial.epochs(lambda rows: {"loss": error(rows)}, lambda x: net(x).flatten()):
        error(trial.train).backward()
        optimizer.step()
        optimizer.zero_grad()
        yield


# From here on, each is wrong in one way.


def kept(trial: Any) -> nn.Module:
    net = nn.Linear(1, 1)
    trial.keep(net=net)
    return net


def keeps_nothing(trial: Any) -> Iterator[None]:
    for _ in trial.epochs(lambda rows: LOSS):
        yield


def keeps_a_file(trial: Any) -> Iterator[None]:
    trial.keep(log=sys.stdout)
    yield


def keeps_a_function(trial: Any) -> Iterator[None]:
    trial.keep(about={"rule": print})
    for _ in trial.epochs(lambda rows: LOSS):
        yield


def ends_early(trial: Any) -> Iterator[None]:
    kept(trial)
    for epoch in trial.epochs(lambda rows: LOSS):
        if epoch == 3:
            return
        yield


def yields_twice(trial: Any) -> Iterator[None]:
    kept(trial)
    for _ in trial.epochs(lambda rows: LOSS):
        yield
        yield


def never_yields(trial: Any) -> Iterator[None]:
    kept(trial)
    for epoch in trial.epochs(lambda rows: LOSS):
        if epoch < 0:
            yield


def has_no_epochs(trial: Any) -> Iterator[None]:
    kept(trial)
    yield


def exits(trial: Any) -> Iterator[None]:
    kept(trial)
    for _ in trial.epochs(lambda rows: LOSS):
        raise SystemExit(3)
        yield


def differentiates(trial: Any) -> Iterator[None]:
    """An evaluation that needs derivatives, as those of differential equations do."""
    net = torch.nn.Linear(1, 1)
    trial.keep(net=net)

    def evaluate(rows: Any) -> dict[str, float]:
        x = torch.ones(3, 1, requires_grad=True)
        (slope,) = torch.autograd.grad(net(x).sum(), x)
        return {"loss": float(slope.mean())}

    for _ in trial.epochs(evaluate):
        yield


def interrupts(trial: Any) -> Iterator[None]:
    kept(trial)
    for _ in trial.epochs(lambda rows: LOSS):
        raise KeyboardInterrupt("of its own")
        yield


def forks(trial: Any, about: str) -> Iterator[None]:
    """A child that comes back: the trial must not be trained by both."""
    kept(trial)
    for epoch in trial.epochs(lambda rows: LOSS):
        child = os.fork() if epoch == 1 else 0
        if child:
            os.waitpid(child, 0)
        with open(about, "a", encoding="utf-8") as file:
            file.write(f"{epoch} ")
        yield


def returns_a_net(trial: Any) -> nn.Module:
    return kept(trial)


def reading(metrics: Any) -> Any:
    def train(trial: Any) -> Iterator[None]:
        kept(trial)
        for _ in trial.epochs(lambda rows: metrics):
            yield

    return train


lacks_a_metric = reading({"loss": 1.0, "hits": 1.0, "other": 1.0})
misses_the_objective = reading({"hits": 1.0})
measures_text = reading({"loss": "low", "hits": 1.0})
measures_a_vector = reading({"loss": torch.zeros(2), "hits": 1.0})
measures_a_bare_number = reading(0.5)


measures_more_than_a_float = reading({"loss": 10**400, "hits": 1.0})
measures_by_its_part = reading({"dev_loss": 1.0, "hits": 1.0})
measures_with_a_space = reading({"loss ": 1.0, "hits": 1.0})


def yields_a_number(trial: Any) -> Iterator[float]:
    kept(trial)
    for _ in trial.epochs(lambda rows: LOSS):
        yield 0.5


def yields_by_its_part(trial: Any) -> Iterator[dict[str, float]]:
    kept(trial)
    for _ in trial.epochs(lambda rows: LOSS):
        yield {"train_loss": 1.0}


def evaluates_by_nothing(trial: Any) -> Iterator[None]:
    kept(trial)
    for _ in trial.epochs():
        yield


def evaluates_by_metrics(trial: Any) -> Iterator[None]:
    kept(trial)
    for _ in trial.epochs(LOSS):
        yield


def keeps_without_a_name(trial: Any) -> Iterator[None]:
    trial.keep(nn.Linear(1, 1))
    yield


def keeps_too_late(trial: Any) -> Iterator[None]:
    kept(trial)
    for epoch in trial.epochs(lambda rows: LOSS):
        if epoch == 2:
            trial.keep(more=nn.Linear(1, 1))
        yield


def keeps_itself(trial: Any) -> Iterator[None]:
    state: dict[str, Any] = {}
    state["state"] = state
    trial.keep(about=state)
    for _ in trial.epochs(lambda rows: LOSS):
        yield


class StateOnDisk:
    def state_dict(self) -> dict[str, Any]:
        raise OSError("no such disk")

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing."""


def keeps_what_is_gone(trial: Any) -> Iterator[None]:
    trial.keep(memory=StateOnDisk())
    for _ in trial.epochs(lambda rows: LOSS):
        yield


def ends_badly(trial: Any, how: str) -> Iterator[None]:
    """Its `finally` ends the program, or goes on where it may not."""
    kept(trial)
    try:
        for _ in trial.epochs(lambda rows: LOSS):
            yield
    finally:
        if how == "yields":
            yield
        ends = {"exits": sys.exit, "exits_hard": os._exit, "yields": int}
        ends[how](0)


def changes_its_metrics(trial: Any) -> Iterator[dict[str, float]]:
    kept(trial)
    for epoch in trial.epochs(lambda rows: {"loss": 1.0, "hits": 1.0}):
        yield {"loss": 1.0} if epoch < 3 else {}


def diverges(trial: Any) -> Iterator[None]:
    kept(trial)
    for _ in trial.epochs(lambda rows: {"loss": float("nan"), "hits": 1.0}):
        yield


def forgets_its_momentum(trial: Any, lr: float = 0.1) -> Iterator[None]:
    net = nn.Linear(trial.train.x.shape[1], trial.data.outputs)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    trial.keep(net=net)
    for _ in trial.epochs(lambda rows: {"loss": cross_entropy(net(rows.x), rows.y)}):
        optimizer.zero_grad()
        cross_entropy(net(trial.train.x), trial.train.y).backward()
        optimizer.step()
        yield


def counts_in_a_local(trial: Any) -> Iterator[None]:
    counts = [0]
    net = kept(trial)
    for _ in trial.epochs(lambda rows: {"loss": float(counts[0])}):
        counts[0] += 1
        net.weight.data.add_(1)
        yield


def draws_what_nobody_seeds(trial: Any) -> Iterator[None]:
    kept(trial)
    rng = np.random.default_rng()
    for _ in trial.epochs(lambda rows: {"loss": rng.random()}):
        yield


def keeps_what_nobody_seeds(trial: Any) -> Iterator[None]:
    noise = torch.zeros(1)
    trial.keep(noise=noise)
    rng = np.random.default_rng()
    for _ in trial.epochs(lambda rows: LOSS):
        noise.fill_(rng.random())
        yield


def answers_too_little(trial: Any) -> Iterator[None]:
    net = nn.Linear(trial.train.x.shape[1], 3)
    trial.keep(net=net)
    for _ in trial.epochs(lambda rows: measured(net, rows), lambda x: net(x)[:, :2]):
        yield
