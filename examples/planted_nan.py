"""A bad batch, found: at batch 40 a sensor delivers NaN, and the flight recorder says where it went in."""

import torch
from torch import nn

import trainboard as tb

BAD_BATCH = 40

torch.manual_seed(0)
model = nn.Sequential(nn.BatchNorm1d(8), nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)


def stop(fault):
    """Training ends before the optimizer spoils the weights."""
    raise tb.StopTraining(str(fault))


with tb.init("planted-nan", config={"bad_batch": BAD_BATCH}) as run:
    run.watch(model, every=10, on_nonfinite=stop)
    try:
        for step in range(1, 101):
            batch = torch.randn(64, 8)
            target = batch.sum(1, keepdim=True)
            if step == BAD_BATCH:
                batch[3, 5] = float("nan")
            loss = (model(batch) - target).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log({"train/loss": loss}, step)
    except tb.StopTraining as fault:
        print(f"stopped: {fault}")
