"""The least that a program can log: a noisy loss, and an image, a text and a histogram with it."""

import math
import random
import time

import numpy as np

import trainboard as tb

with tb.init("quickstart", config={"learning_rate": 0.02, "noise": 0.1}) as run:
    run.log({"notes": tb.Text("The loss decays at the rate that the config gives.")}, step=0)
    for step in range(300):
        loss = math.exp(-run.config.learning_rate * step) + random.gauss(0, run.config.noise) ** 2
        run.log({"train/loss": loss}, step)
        if step % 50 == 0:
            weights = np.random.normal(0, 1 + step / 100, 10_000)
            run.log({"weights": tb.Histogram(weights), "noise": tb.Image(np.random.rand(32, 32))}, step)
        time.sleep(0.05)
