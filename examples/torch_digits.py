"""A small convolutional network learns handwritten digits, in PyTorch."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import trainboard as tb
from trainboard.examples import digits

BATCH_SIZE = 16
LEARNING_RATE = 0.02


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=3, padding="same"),
            nn.ReLU(),
            nn.Conv2d(16, 32, kernel_size=3, padding="same"),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(images))


def main() -> None:
    options = digits.options(__doc__)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    (x, y), (x_val, y_val) = digits.load(options.seed)
    train = TensorDataset(torch.from_numpy(x).unsqueeze(1), torch.from_numpy(y))
    images, labels = torch.from_numpy(x_val).unsqueeze(1), torch.from_numpy(y_val)

    model = Network()
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE)
    config = {"framework": "pytorch", "optimizer": "SGD", "learning_rate": LEARNING_RATE}
    config |= {"batch_size": BATCH_SIZE, "seed": options.seed, "epochs": options.epochs}
    name = f"pytorch-{options.seed}"
    with tb.init(options.project, name, group="pytorch", config=config, store=options.store) as run:
        run.watch(model, every=200)
        run.log_graph(model, images[:1])
        run.log({"model": tb.Text(str(model)), "samples": tb.Image(digits.strip(x_val))}, step=0)
        step = 0
        for epoch in range(options.epochs):
            for batch, targets in DataLoader(train, BATCH_SIZE, shuffle=True):
                outputs = model(batch)
                loss = cross_entropy(outputs, targets)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
                run.log({"train/loss": loss, "train/accuracy": accuracy(outputs, targets)}, step)
            with torch.no_grad():
                outputs = model(images)
            validation = {
                "val/loss": cross_entropy(outputs, labels),
                "val/accuracy": accuracy(outputs, labels),
            }
            run.log({**validation, "epoch": epoch + 1}, step)


def accuracy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (outputs.argmax(1) == targets).float().mean()


if __name__ == "__main__":
    main()
