"""The solution of the chapter that the browser walks through. Axis: d dimensions."""

from jaxtyping import Array, Float


def halfway(x: Float[Array, "d"], z: Float[Array, "d"]) -> Float[Array, "d"]:
    """The point in the middle between x and z: (x + z) / 2."""
    return (x + z) / 2
