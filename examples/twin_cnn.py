"""One small network in PyTorch and in Keras with the same weights, and one setting that differs by mistake.

The Graph page pairs their layers and names the first whose outputs differ: the normalization, whose
``epsilon`` is 1e-5 in PyTorch and 1e-3 in Keras unless it is said.
"""

import keras
import numpy as np
import torch
from torch import nn

import trainboard as tb

STEPS, BATCH = 3, 32
random = np.random.default_rng(0)
x = random.normal(0, 0.05, (STEPS * BATCH, 1, 12, 12)).astype(np.float32)
y = random.integers(0, 4, STEPS * BATCH)

torch.manual_seed(0)
torch_model = nn.Sequential(
    nn.Conv2d(1, 8, 3), nn.ReLU(), nn.BatchNorm2d(8), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(200, 4)
)
layers = keras.layers
keras_model = keras.Sequential(
    [
        keras.Input((12, 12, 1)),
        layers.Conv2D(8, 3, activation="relu"),
        layers.BatchNormalization(momentum=0.9),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(4),
    ],
    name="twin",
)


def copy_weights() -> None:
    """PyTorch keeps a convolution's kernel as (out, in, height, width), Keras as (height, width, in, out)."""
    state = {name: value.numpy() for name, value in torch_model.state_dict().items()}
    keras_model.layers[0].set_weights([state["0.weight"].transpose(2, 3, 1, 0), state["0.bias"]])
    # PyTorch flattens channels first, Keras channels last.
    dense = state["5.weight"].reshape(4, 8, 5, 5).transpose(2, 3, 1, 0).reshape(200, 4)
    keras_model.layers[4].set_weights([dense, state["5.bias"]])


def in_torch() -> None:
    optimizer = torch.optim.SGD(torch_model.parameters(), 0.1)
    with tb.init("twins", "torch-cnn", group="twins") as run:
        run.watch(torch_model, every=1)
        run.log_graph(torch_model, torch.from_numpy(x[:1]))
        for step in range(STEPS):
            batch = slice(step * BATCH, (step + 1) * BATCH)
            loss = nn.functional.cross_entropy(
                torch_model(torch.from_numpy(x[batch])), torch.from_numpy(y[batch])
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log({"train/loss": loss}, step + 1)


def in_keras() -> None:
    keras_model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(True))
    with tb.init("twins", "keras-cnn", group="twins") as run:
        callback = tb.KerasCallback(run, "batch", watch={"every": 1})
        images = x.transpose(0, 2, 3, 1)
        keras_model.fit(images, y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[callback])


copy_weights()
in_torch()
in_keras()
