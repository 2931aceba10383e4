"""The same network in PyTorch and in Keras, from the same weights on the same batches, to compare."""

import sys

import keras
import numpy as np
import torch
from torch import nn

import trainboard as tb

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 200
RATE = 0.05

random = np.random.default_rng(0)
x = random.normal(size=(STEPS, 32, 8)).astype(np.float32)
y = np.tanh(x.sum(2, keepdims=True))
first = random.normal(0, 0.3, (8, 16)).astype(np.float32)
second = random.normal(0, 0.3, (16, 1)).astype(np.float32)


def in_torch() -> None:
    model = nn.Sequential(nn.Linear(8, 16, bias=False), nn.ReLU(), nn.Linear(16, 1, bias=False))
    with torch.no_grad():
        for parameter, values in zip(model.parameters(), (first, second), strict=True):
            parameter.copy_(torch.from_numpy(values.T))
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    with tb.init("twins", "torch", group="twins", config={"framework": "pytorch"}) as run:
        run.watch(model)
        run.log_graph(model, torch.from_numpy(x[0, :1]))
        for step in range(STEPS):
            loss = (model(torch.from_numpy(x[step])) - torch.from_numpy(y[step])).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log({"train/loss": loss}, step + 1)


def in_keras() -> None:
    dense = keras.layers.Dense
    model = keras.Sequential(
        [keras.Input((8,)), dense(16, "relu", use_bias=False), dense(1, use_bias=False)], name="twin"
    )
    model.set_weights([first, second])
    model.compile(keras.optimizers.SGD(RATE), "mse")
    with tb.init("twins", "keras", group="twins") as run:
        batches = x.reshape(-1, 8), y.reshape(-1, 1)
        callback = tb.KerasCallback(run, "batch")
        model.fit(*batches, batch_size=32, shuffle=False, verbose=0, callbacks=[callback])


in_torch()
in_keras()
