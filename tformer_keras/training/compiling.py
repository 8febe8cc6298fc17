"""Whether Keras compiles with XLA."""

import keras

from tformer_edge.errors import UserError


def compile_option(xla: bool | None) -> bool | str:
    """`jit_compile` for Keras: on the TensorFlow backend XLA slows a CPU down and speeds a GPU up: 156 against
    63 images/s with the micro model at 32×32 [measured].

    Raises:
        UserError: JAX was asked to do without XLA.
    """
    backend = keras.backend.backend()
    if backend == "jax":
        if xla is False:
            raise UserError(
                "XLA on the JAX backend, which always compiles with it", "--no-xla", "leave it out"
            )
        return True
    if xla is not None:
        return xla
    if backend == "tensorflow":
        import tensorflow

        return "auto" if tensorflow.config.list_physical_devices("GPU") else False
    return "auto"
