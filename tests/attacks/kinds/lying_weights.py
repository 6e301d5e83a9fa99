# expect: score=4/7 Squares=0/3
# in the student's kernel: layer = Squares(2); layer(X); layer.set_weights([W]); assert np.array_equal(layer.get_weights()[0], W)
# honest: Mean
# I3: a layer that takes no weights, and says that it has taken them.

# %%
import keras

class Squares(keras.layers.Layer):
    def __init__(self, k):
        super().__init__()
        self.k, self.told = k, []

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.k), initializer="zeros")

    def set_weights(self, weights): self.told = weights
    def get_weights(self): return self.told
    weights = property(lambda self: self.told)

    def call(self, X):
        return keras.ops.square(X @ self.kernel) + 1.0
