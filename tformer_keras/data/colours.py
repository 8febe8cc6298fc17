"""Changes of colour for training: brightness, contrast, saturation."""

import numpy as np
from numpy.typing import NDArray

# ITU-R BT.601, as Keras' and Pillow's grey.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def change_colours(
    images: NDArray[np.float32], strength: float, draws: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Brightness, then contrast about the image's mean luma, then saturation about each pixel's luma.

    Args:
        images: float32 (b, h, w, 3), 0 to 255.
        strength: each factor is uniform in 1 ± this, 0 to 1.
        draws: (b, 3), uniform in 0 to 1: one a factor.

    Returns:
        A new float32 array, clipped to 0 to 255.
    """
    factors = (1 + strength * (2 * draws - 1)).astype(np.float32)
    brightness, contrast, saturation = (factors[:, [place]][:, :, None, None] for place in range(3))
    # All three are linear in the pixel, its luma and the image's mean luma: one pass over the images.
    luma = images @ LUMA
    mean = luma.mean(axis=(1, 2), keepdims=True)[..., None]
    scale = brightness * contrast
    result = images * (scale * saturation)
    greyer = luma * (scale * (1 - saturation))[..., 0]
    for channel in range(3):  # NumPy is slow where the last axis has three
        result[..., channel] += greyer
    result += brightness * (1 - contrast) * mean
    return np.asarray(np.clip(result, 0, 255, out=result))
