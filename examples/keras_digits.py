"""A small convolutional network learns handwritten digits, in Keras."""

import keras
import tensorflow as tf
from keras import layers

import trainboard as tb
from trainboard.examples import digits

BATCH_SIZE = 16
LEARNING_RATE = 0.02


def network() -> keras.Model:
    features = keras.Sequential(
        [
            layers.Conv2D(16, kernel_size=3, padding="same", activation="relu"),
            layers.Conv2D(32, kernel_size=3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
        ],
        name="features",
    )
    classifier = keras.Sequential(
        [layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10)], name="classifier"
    )
    return keras.Sequential([keras.Input((8, 8, 1)), features, classifier], name="network")


def main() -> None:
    options = digits.options(__doc__)
    keras.utils.set_random_seed(options.seed)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    (x, y), (x_val, y_val) = digits.load(options.seed)

    model = network()
    model.compile(
        optimizer=keras.optimizers.SGD(LEARNING_RATE),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    config = {"framework": "keras", "optimizer": "SGD", "learning_rate": LEARNING_RATE}
    config |= {"batch_size": BATCH_SIZE, "seed": options.seed, "epochs": options.epochs}
    name = f"keras-{options.seed}"
    with tb.init(options.project, name, group="keras", config=config, store=options.store) as run:
        layout: list[str] = []
        model.summary(print_fn=layout.append)
        run.log({"model": tb.Text("\n".join(layout)), "samples": tb.Image(digits.strip(x_val))}, step=0)
        model.fit(
            x[..., None],
            y,
            batch_size=BATCH_SIZE,
            epochs=options.epochs,
            validation_data=(x_val[..., None], y_val),
            callbacks=[tb.KerasCallback(run, every="batch", watch={"every": 200})],
            verbose=0,
        )


if __name__ == "__main__":
    main()
