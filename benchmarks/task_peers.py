"""Detectors and segmenters of the latency tables: TFormer's and their peers, with random weights, all converted by this
package's `convert_model`, so that every file carries a contract and its outputs become answers by the same code."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Heights and widths of the tables; a task's own is what its models have without --size.
SIZES = (256, 320, 512)
OWN_SIZE = {"detection": 320, "segmentation": 256}
CLASSES = {"detection": 80, "segmentation": 21}  # COCO's and Pascal VOC's
# Every second anchor of a fresh detector passes the threshold: more candidates than any picture has.
CROWDED = 0.5
PICTURES = 8  # of the calibration


@dataclasses.dataclass(frozen=True)
class TaskPeer:
    """A model of the tables.

    Args:
        label: for people.
        task: "detection" or "segmentation".
        build: makes the Keras 3 model of a height and width, whose outputs are `OutputMap` layers. Layers of the neck
            are called neck_…, those of the head as `file_parts.py` knows them.
        size: height and width.
    """

    label: str
    task: str
    build: Callable[[int], Any]
    size: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", self.size or OWN_SIZE[self.task])


def _mobilenet_v2(size: int) -> Any:
    import keras

    return keras.applications.MobileNetV2(input_shape=(size, size, 3), include_top=False, weights=None)


def _mobilenet_features(size: int) -> Any:
    """MobileNetV2's last maps of stride 4, 8, 16 and 32, as TensorFlow's Model Garden takes them."""
    import keras

    whole = _mobilenet_v2(size)
    names = ("block_2_add", "block_5_add", "block_12_add", "block_16_project_BN")
    return keras.Model(whole.input, [whole.get_layer(name).output for name in names])


def _tformer_detector(**arguments: Any) -> Callable[[int], Any]:
    def build(size: int) -> Any:
        from tformer_keras.models import RetinaNet
        from tformer_keras.models.retinanet import MICRO_BACKBONE

        backbone = arguments.get("backbone") or MICRO_BACKBONE
        shape = (size, size, 3)
        options = {name: value for name, value in arguments.items() if name != "backbone"}
        return RetinaNet(backbone, CLASSES["detection"], input_shape=shape, prior=CROWDED, **options)

    return build


def _mediapipe_retinanet(size: int) -> Any:
    """The form of MediaPipe's Model Maker: pyramid and four-layer towers of 128 channels, separable, BatchNorm, ReLU6.
    Its last convolutions are 1×1 here, without the depthwise one before them."""
    from tformer_keras.models import RetinaNet

    return RetinaNet(
        _mobilenet_features(size), CLASSES["detection"], "edge", neck_channels=128, head_channels=128, head_depth=4,
        prior=CROWDED,
    )  # fmt: skip


def _ssdlite(size: int) -> Any:
    """SSDLite (Sandler et al., arXiv:1801.04381, section 6.2): six maps of stride 16 to 512, six anchors a cell."""
    import keras
    from keras import layers

    from tformer_edge.anchors import of_retinanet
    from tformer_keras.layers import OutputMap

    def norm(x: Any, name: str) -> Any:
        return layers.ReLU(6.0, name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_norm")(x))

    whole = _mobilenet_v2(size)
    x = whole.output
    maps = [whole.get_layer("block_13_expand_relu").output, x]
    for number, channels in enumerate((512, 256, 256, 128), 3):
        name = f"neck_{number}"
        x = norm(layers.Conv2D(channels // 2, 1, use_bias=False, name=f"{name}_in")(x), f"{name}_in")
        spatial = layers.DepthwiseConv2D(3, 2, padding="same", use_bias=False, name=f"{name}_depthwise")
        x = norm(spatial(x), f"{name}_depthwise")
        x = norm(layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_out")(x), f"{name}_out")
        maps.append(x)
    strides = [16 * 2**number for number in range(len(maps))]
    anchors = of_retinanet(strides, (2.0, 3.0), (0.5, 1.0, 2.0))
    outputs = []
    for x, level in zip(maps, anchors, strict=True):
        for kind, channels in (("logits", CLASSES["detection"]), ("deltas", 4)):
            name = f"head_{level.stride}_{kind}"
            spatial = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_depthwise")
            y = norm(spatial(x), name)
            y = layers.Conv2D(len(level.shapes) * channels, 1, name=f"{name}_out")(y)
            outputs.append(OutputMap(kind, level.stride, level.shapes, name=f"{kind}_{level.stride}")(y))
    return keras.Model(whole.input, outputs, name="ssdlite")


def _tformer_segmenter(**arguments: Any) -> Callable[[int], Any]:
    def build(size: int) -> Any:
        from tformer_keras.models import SemanticFPN
        from tformer_keras.models.retinanet import MICRO_BACKBONE

        backbone = arguments.get("backbone") or MICRO_BACKBONE
        options = {name: value for name, value in arguments.items() if name != "backbone"}
        return SemanticFPN(backbone, CLASSES["segmentation"], input_shape=(size, size, 3), **options)

    return build


def _deeplab(size: int) -> Any:
    """DeepLabV3 on MobileNetV2 (arXiv:1801.04381, section 6.3): stride 16, a 1×1 branch and an image-pooling branch."""
    import keras
    from keras import layers

    from tformer_keras.layers import OutputMap

    config = _mobilenet_v2(size).get_config()
    for layer in config["layers"]:
        name, values = layer["config"]["name"], layer["config"]
        # The stride of stage 6 becomes a dilation of what follows.
        if name == "block_13_pad":
            values["padding"] = ((0, 0), (0, 0))
        elif name == "block_13_depthwise":
            values.update(strides=(1, 1), padding="same")
        elif name in ("block_14_depthwise", "block_15_depthwise", "block_16_depthwise"):
            values["dilation_rate"] = (2, 2)
    whole = keras.Model.from_config(config)
    x = whole.get_layer("block_16_project_BN").output

    def convolution(y: Any, name: str) -> Any:
        y = layers.Conv2D(256, 1, use_bias=False, name=f"{name}_conv")(y)
        return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_norm")(y))

    pooled = layers.GlobalAveragePooling2D(keepdims=True, name="head_pool")(x)
    pooled = convolution(pooled, "head_pooled")
    enlarge = layers.UpSampling2D(x.shape[1:3], interpolation="nearest", name="head_spread")
    joined = layers.Concatenate(name="head_join")([enlarge(pooled), convolution(x, "head_point")])
    y = convolution(joined, "head_last")
    y = layers.Conv2D(CLASSES["segmentation"], 1, name="head_classes")(y)
    return keras.Model(whole.input, OutputMap("class_logits", 16, name="class_logits")(y), name="deeplab")


# By name, each at its task's own size.
BASES: dict[str, TaskPeer] = {
    "detector_s": TaskPeer(
        "TFormer-S, edge head", "detection", _tformer_detector(backbone="tformer_s", head="edge")
    ),
    "detector_s_paper": TaskPeer(
        "TFormer-S, the paper's head", "detection", _tformer_detector(backbone="tformer_s")
    ),
    "detector_micro": TaskPeer("detector_micro", "detection", _tformer_detector(head="edge")),
    "ssdlite_mobilenet_v2": TaskPeer("SSDLite-MobileNetV2", "detection", _ssdlite),
    "retinanet_mobilenet_v2": TaskPeer(
        "RetinaNet-MobileNetV2, as MediaPipe's", "detection", _mediapipe_retinanet
    ),
    "segmenter_s": TaskPeer(
        "TFormer-S, edge head", "segmentation", _tformer_segmenter(backbone="tformer_s", head="edge")
    ),
    "segmenter_s_paper": TaskPeer(
        "TFormer-S, the paper's head", "segmentation", _tformer_segmenter(backbone="tformer_s")
    ),
    "segmenter_micro": TaskPeer(
        "segmenter_micro", "segmentation", _tformer_segmenter(head="edge", neck_channels=96)
    ),
    "deeplab_mobilenet_v2": TaskPeer("DeepLabV3-MobileNetV2", "segmentation", _deeplab),
}


def sized_name(name: str, size: int | None) -> str:
    """What an entry of `BASES` is called at a size; None: at its own."""
    return name if size in (None, BASES[name].size) else f"{name}_{size}"


# At every size.
TASK_PEERS: dict[str, TaskPeer] = {
    sized_name(name, size): dataclasses.replace(peer, size=size)
    for size in SIZES
    for name, peer in BASES.items()
}


def convert_task_peer(name: str) -> bytes:
    """The int8 file of a peer with random weights, contract included, calibrated on generated pictures.

    It is what `convert_model` makes, without its proof and report, which take longer than the file. Its tensors keep
    their layers' names, by which `file_parts.py` tells backbone, neck and head apart.
    """
    import keras
    from PIL import Image

    from benchmarks.peers.random_weights import randomise
    from tformer_keras.data.pixels import synthetic_pixels
    from tformer_keras.deploy import ConversionOptions
    from tformer_keras.deploy.conversion import convert
    from tformer_keras.deploy.graph_source import open_graph
    from tformer_keras.deploy.model_conversion import file_of
    from tformer_keras.training.saved_model import BarePreprocessing

    peer = TASK_PEERS[name]
    keras.utils.set_random_seed(0)
    model = peer.build(peer.size)
    randomise(model)
    labels = tuple(f"class {number}" for number in range(CLASSES[peer.task]))
    bare = BarePreprocessing((128 / 255,) * 3, (0.25,) * 3, "stretch", labels)
    with tempfile.TemporaryDirectory() as folder:
        for number, pixels in enumerate(synthetic_pixels(PICTURES, model.input_shape[1:3], 3)):
            Image.fromarray(pixels).save(Path(folder) / f"{number}.png")
        source = open_graph(model, ConversionOptions(calibration=folder), True, bare)
    return file_of(source, convert(source.graph, names="full")).to_bytes()
