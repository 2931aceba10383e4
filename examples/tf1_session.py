"""A program for TensorFlow 1: placeholders, a session, and merged summaries."""

import sys

import numpy as np
import tensorflow as tf

import trainboard as tb

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 300
tf1 = tf.compat.v1

graph = tf.Graph()
with graph.as_default():
    x = tf1.placeholder(tf.float32, [None, 4], name="x")
    y = tf1.placeholder(tf.float32, [None, 1], name="y")
    with tf1.variable_scope("hidden"):
        weights = tf1.get_variable("weights", [4, 16], initializer=tf1.glorot_uniform_initializer(seed=1))
        hidden = tf.tanh(tf.matmul(x, weights))
    with tf1.variable_scope("output"):
        outputs = tf.matmul(hidden, tf1.get_variable("weights", [16, 1]))
    loss = tf.reduce_mean(tf.square(outputs - y), name="loss")
    train = tf1.train.AdamOptimizer(0.01).minimize(loss)
    tf1.summary.scalar("train/loss", loss)
    tf1.summary.histogram("weights/hidden", weights)
    merged = tf1.summary.merge_all()
    initialize = tf1.global_variables_initializer()

random = np.random.default_rng(0)
with tb.init("tf1", config={"steps": STEPS}) as run, tf1.Session(graph=graph) as session:
    run.log_graph(graph)
    session.run(initialize)
    for step in range(STEPS):
        batch = random.normal(size=(32, 4))
        feed = {x: batch, y: batch.sum(1, keepdims=True)}
        summary, _ = session.run([merged, train], feed)
        run.log_summary(summary, step)
