#!/usr/bin/env python3
"""Keras's side of compare.py: a training step or an inference, on TensorFlow with oneDNN.

Runs in the virtual environment that `compare.py --make-venv` makes. Channels come last, which is the one
layout that TensorFlow has for every operation on a CPU. A step is one compiled function; whether XLA
compiles it is the variant, of which compare.py keeps the faster.
"""
import keras
import tensorflow as tf

import worker
import zoo

OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.01),
    "momentum": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
    "rmsprop": lambda: keras.optimizers.RMSprop(1e-3),
    "adam": lambda: keras.optimizers.Adam(1e-3),
}


@keras.utils.register_keras_serializable("lenslet")
class Lrn(keras.layers.Layer):
    """The paper's, which Keras lacks and TensorFlow has."""

    def call(self, x):
        return tf.nn.local_response_normalization(x, depth_radius=2, bias=2, alpha=1e-4, beta=0.75)


def layer_of(layer):
    kind, padding = layer["kind"], "same" if layer["same"] else "valid"
    if kind == "conv":
        return keras.layers.Conv2D(layer["size"], layer["kernel"], layer["stride"], padding,
                                   groups=layer["groups"], activation=layer["f"])
    if kind in ("max", "avg"):
        pool = keras.layers.MaxPooling2D if kind == "max" else keras.layers.AveragePooling2D
        return pool(layer["kernel"], layer["stride"], padding)
    if kind == "dense":
        return keras.layers.Dense(layer["size"], activation=layer["f"])
    if kind == "drop":
        return keras.layers.Dropout(layer["rate"])
    if kind == "resize":
        return keras.layers.Resizing(layer["size"], layer["size"])
    return {"lrn": Lrn, "bn": keras.layers.BatchNormalization, "flatten": keras.layers.Flatten}[kind]()


def build(name):
    (c, h, w), layers = zoo.network(name)
    return keras.Sequential([keras.Input((h, w, c)), *map(layer_of, layers)]), (h, w, c)


def training_step(work, compiled):
    net, shape = build(work["model"])
    optimizer, classes = OPTIMIZERS[work["optimizer"]](), zoo.classes(work["model"])
    optimizer.build(net.trainable_variables)
    images = tf.random.uniform((work["batch"], *shape))
    if classes == 1:
        loss_of = keras.losses.BinaryCrossentropy(from_logits=True)
        labels = tf.cast(tf.random.uniform((work["batch"], 1), 0, 2, tf.int32), tf.float32)
    else:
        loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        labels = tf.random.uniform((work["batch"],), 0, classes, tf.int32)

    @compiled
    def step(images, labels):
        with tf.GradientTape() as tape:
            loss = loss_of(labels, net(images, training=True))
        optimizer.apply(tape.gradient(loss, net.trainable_variables))
        return loss

    return lambda: step(images, labels).numpy(), net.count_params()


def inference(work, compiled):
    net, shape = build(work["model"])
    images = tf.random.uniform((work["batch"], *shape))
    last = tf.nn.sigmoid if zoo.classes(work["model"]) == 1 else tf.nn.softmax

    @compiled
    def predict(images):
        return last(net(images, training=False))

    return lambda: predict(images).numpy(), net.count_params()


def main():
    work = worker.work()
    keras.utils.set_random_seed(0)
    keras.backend.set_image_data_format("channels_last")
    tf.config.threading.set_intra_op_parallelism_threads(work["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(work["threads"])
    start = {"step": training_step, "inference": inference}[work["do"]]
    worker.serve(*start(work, tf.function(jit_compile=work["variant"] == "xla")))


main()
