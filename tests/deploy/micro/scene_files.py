"""A detector and a segmenter for microcontrollers, of random weights, as model files."""

import functools

import numpy as np

from tests.models.tiny_detectors import detector, images, segmenter
from tformer_edge.output_json import DetectionRule
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.deploy.conversion import convert, model_file
from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.tasks import TASKS

SIZE = (70, 52)
PREPROCESSING = Preprocessing(SIZE, "letterbox")
# Fresh logits lie around that of the prior: about half of the candidates exceed it.
RULE = DetectionRule(score_threshold=0.3, max_boxes=20)


@functools.cache
def scene_file(task: str) -> bytes:
    """The file of `task`, "detection" or "segmentation"."""
    import keras

    keras.utils.set_random_seed(4)
    changes = {"head_depth": 1, "separable": True, "norm": "batch", "activation": "relu6", "output_kernel": 1}
    model = (
        detector(**changes, levels=3, anchor_scales=(4.0,), prior=0.3)
        if task == "detection"
        else segmenter(separable=True, neck_norm="batch", activation="relu6")
    )
    if task == "detection":
        # Fresh kernels of 0.01 give every anchor the prior's own score: nothing that a picture could change.
        output = model.get_layer("logits_conv")
        output.kernel.assign(output.kernel * 40)
    quantized = quantize_aware(model, target="micro")
    quantized.calibrate([images(8, SIZE)])
    labels = tuple(f"class {number}" for number in range(3 if task == "detection" else 5))
    bound = TASKS[task].of(model)
    means = OutputsMean(labels, "logits", bound.outputs, RULE if task == "detection" else None)
    return model_file(
        convert(quantized),
        name=f"tiny {task}",
        task=task,
        preprocessing=PREPROCESSING,
        means=means,
        source={},
        accuracy=None,
        versions={},
    ).to_bytes()


def pictures(count: int) -> np.ndarray:
    """Pixels, uint8 (count, height, width, 3)."""
    random = np.random.default_rng(6)
    coarse = random.integers(0, 256, (count, 10, 13, 3))
    fine = np.kron(coarse, np.ones((1, 7, 4, 1), np.int64)) + random.integers(-20, 20, (count, *SIZE, 3))
    return fine.clip(0, 255).astype(np.uint8)
