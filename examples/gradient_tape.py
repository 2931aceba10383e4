"""A training loop of one's own with ``GradientTape``, which says what it does through ``tf.summary``."""

import sys

import keras
import tensorflow as tf

import trainboard as tb

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 300

keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(16, "tanh"), keras.layers.Dense(1)])
optimizer = keras.optimizers.Adam(0.01)


@tf.function
def train(step: tf.Tensor) -> None:
    x = tf.random.normal([32, 4])
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x) - tf.reduce_sum(x, 1, keepdims=True)))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(gradients, model.trainable_variables)
    tf.summary.scalar("train/loss", loss, step=step)
    tf.summary.scalar("gradients/norm", tf.linalg.global_norm(gradients), step=step)
    with tf.summary.record_if(step % 50 == 0):
        tf.summary.histogram("outputs", model(x), step=step)


with tb.init("tape", config={"steps": STEPS}) as run, tb.tf_summary(run):
    run.log_graph(train, tf.constant(0, tf.int64))
    for step in range(STEPS):
        train(tf.constant(step, tf.int64))
