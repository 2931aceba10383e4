"""A data pipeline of TensorFlow feeds a model in PyTorch."""

import sys

import tensorflow as tf
import torch
from torch import nn

import trainboard as tb

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 300


def example(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    x = tf.random.stateless_normal([4], seed=[0, index])
    return x, tf.reduce_sum(x)


data = tf.data.Dataset.range(10_000).map(tf.autograph.experimental.do_not_convert(example))
data = data.shuffle(1_000, seed=0).repeat().batch(32).prefetch(2)

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), 0.01)
with tb.init("pipeline", config={"steps": STEPS}) as run:
    run.watch(model)
    run.log_graph(model)
    for step, (x, y) in enumerate(data.take(STEPS).as_numpy_iterator()):
        loss = (model(torch.tensor(x)).squeeze(1) - torch.tensor(y)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.log({"train/loss": loss}, step)
