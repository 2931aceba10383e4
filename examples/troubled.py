"""A training in trouble, for the Health page: a slow loader, a dead layer, layers without a gradient, and at
last a learning rate that is turned up too far."""

import itertools
import time

import torch
from torch import nn

import trainboard as tb

STEPS, JUMP = 150, 120


class Sensors(torch.utils.data.IterableDataset):
    """Batches of eight readings and their sum; from step 70 on, the disk takes twice as long as training."""

    def __iter__(self):
        trained = 0.0
        for step in itertools.count():
            time.sleep(2 * trained if step > 70 else 0.0)
            readings = torch.randn(32, 8)
            given = time.perf_counter()
            yield readings, readings.sum(1, keepdim=True)
            trained = time.perf_counter() - given


class Block(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.linear = nn.Linear(32, 32)
        self.activation = activation

    def forward(self, x):
        return self.activation(self.linear(x))


class Troubled(nn.Module):
    """Through eight sigmoids hardly any gradient comes back; the rectified units are below zero for ever."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(8, 32)
        self.saturated = nn.Sequential(*(Block(nn.Sigmoid()) for _ in range(8)))
        self.dead = Block(nn.ReLU())
        self.head = nn.Linear(32, 1)
        nn.init.constant_(self.dead.linear.bias, -5.0)

    def forward(self, x):
        x = self.saturated(self.stem(x))
        return self.head(x + self.dead(x))


torch.manual_seed(0)
model = Troubled()
optimizer = torch.optim.SGD(model.parameters(), lr=0.003)


def stop(fault):
    """Training ends before the optimizer spoils the weights."""
    raise tb.StopTraining(str(fault))


with tb.init("troubled", "turned-up", config={"lr": 0.003}, system_every=0.2) as run:
    run.watch(model, every=4, histograms=60, on_nonfinite=stop)
    run.profile(steps=(30, 32))
    batches = run.steps(torch.utils.data.DataLoader(Sensors(), batch_size=None), every=4)
    try:
        for step, (readings, target) in zip(range(1, STEPS), batches, strict=False):
            if step == JUMP:
                optimizer.param_groups[0]["lr"] = 30.0
            loss = (model(readings) - target).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log({"train/loss": loss, "lr": optimizer.param_groups[0]["lr"]}, step)
    except tb.StopTraining as fault:
        print(f"stopped: {fault}")
