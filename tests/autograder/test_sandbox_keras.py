"""Keras layers in the sandbox, with either of the libraries that Keras computes with here."""

from collections.abc import Iterator

import numpy as np
import pytest

from autograder.records import Call, Given, Limits, Returned
from autograder.sandbox.pool import open_sandbox
from autograder.sandbox.student import WarmStudent

HELPER = """
def with_weights(layer, X, W):
    layer(X)
    layer.set_weights([np.asarray(W)])
    return layer(X)
"""
LAYER = """
import os
os.environ["KERAS_BACKEND"] = "{backend}"
import keras
{more}

class Squares(keras.layers.Layer):
    def build(self, input_shape):
        self.W = self.add_weight(shape=(input_shape[-1], 2))

    def call(self, X):
        return {product} ** 2
"""
KINDS = {
    "jax": LAYER.format(backend="jax", more="", product="keras.ops.matmul(X, self.W)"),
    "tensorflow": LAYER.format(
        backend="tensorflow", more="import tensorflow as tf", product="tf.linalg.matmul(X, self.W)"
    ),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator:
    with open_sandbox() as opened:
        yield opened


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_gets_its_weights_from_outside(sandbox, kind: str) -> None:
    X, W = np.arange(6, dtype=np.float32).reshape(3, 2), np.array([[1.0, 2.0], [-1.0, 0.5]], np.float32)
    with sandbox.open(Limits(), given={"with_weights": HELPER}) as student:
        assert ran(student, KINDS[kind])
        call = Call((), then=((Given("with_weights"), (X, W)),))
        outcome = student.call("Squares", call, seconds=30)
        assert isinstance(outcome, Returned), outcome
        np.testing.assert_allclose(outcome.value, (X @ W) ** 2)


def test_keras_says_which_weights_it_misses(sandbox) -> None:
    source = KINDS["jax"].replace("self.W = self.add_weight(shape=(input_shape[-1], 2))", "self.W = 0")
    with sandbox.open(Limits(), given={"with_weights": HELPER}) as student:
        assert ran(student, source.replace("keras.ops.matmul(X, self.W)", "X"))
        X = np.ones((3, 2), np.float32)
        outcome = student.call("Squares", Call((), then=((Given("with_weights"), (X, X)),)), seconds=30)
        assert getattr(outcome, "type", "") == "ValueError" and "0 weights" in outcome.message


def ran(student: WarmStudent, source: str) -> bool:
    done = student.run(source, seconds=60)
    assert done.outcome == Returned(None), done
    return True
