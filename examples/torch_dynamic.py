"""A network whose graph depends on its input and grows as it trains, in PyTorch."""

import sys

import torch
from torch import nn

import trainboard as tb

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 400


class Dynamic(nn.Module):
    """Refines its guess in as many rounds as it is told, and checks uncertain batches once more."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.refine = nn.Linear(4, 32), nn.Linear(32, 32)
        self.check, self.decode = nn.Linear(32, 32), nn.Linear(32, 1)
        self.rounds = 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.tanh(self.encode(x))
        for _ in range(self.rounds):
            hidden = hidden + torch.tanh(self.refine(hidden))
        if hidden.std() > 1:
            hidden = torch.tanh(self.check(hidden))
        return self.decode(hidden)


torch.manual_seed(0)
model = Dynamic()
optimizer = torch.optim.Adam(model.parameters(), 0.01)
with tb.init("dynamic", config={"steps": STEPS}) as run:
    run.log_graph(model)  # drawn at its next pass, and told as an event whenever it changes
    for step in range(STEPS):
        model.rounds = 1 + 3 * step // STEPS
        x = torch.randn(64, 4)
        loss = (model(x) - x.prod(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.log({"train/loss": loss, "rounds": model.rounds}, step)
