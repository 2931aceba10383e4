"""Two processes train one network on handwritten digits, in PyTorch.

    torchrun --nproc-per-node 2 torch_ddp.py

The second is slower, as one always is: the charts show the mean of both and the
range between them, and the run's details name the slowest.
"""

import time

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

import trainboard as tb
from trainboard.examples import digits

BATCH_SIZE = 32
LEARNING_RATE = 0.05
SLOWER_BY = 0.01


def main() -> None:
    options = digits.options(__doc__)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    try:
        train(options.project, options.store, options.epochs, options.seed)
    finally:
        dist.destroy_process_group()


def train(project: str, store: str | None, epochs: int, seed: int) -> None:
    (x, y), _ = digits.load(seed)
    data = TensorDataset(torch.from_numpy(x).flatten(1), torch.from_numpy(y))
    sampler = DistributedSampler(data, seed=seed)
    loader = DataLoader(data, BATCH_SIZE, sampler=sampler)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)))
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE)

    config = {"batch_size": BATCH_SIZE, "learning_rate": LEARNING_RATE, "epochs": epochs, "seed": seed}
    with tb.init(project, f"ddp-{seed}", config=config, store=store, ranks="all") as run:
        step = 0
        for epoch in range(epochs):
            sampler.set_epoch(epoch)
            for images, labels in loader:
                began = time.perf_counter()
                loss = cross_entropy(model(images), labels)
                if run.rank == 1:
                    time.sleep(SLOWER_BY)
                # Backward waits for the slowest: only what comes before tells who that is.
                waited_for = time.perf_counter() - began
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
                run.log({"train/loss": loss, "train/forward_time": waited_for}, step)


if __name__ == "__main__":
    main()
