"""The models of the latency table of classifiers: TFormer-S in several forms, and what phones run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.peers.peer import Peer

RESNET18_PARAMETERS = 11_689_512  # torchvision's


def _tformer(variant: str, **overrides: Any) -> Callable[[], Any]:
    def build() -> Any:
        from tformer_keras.models import build

        return build(variant, **overrides)

    return build


def _resnet18() -> Any:
    from tformer_keras.models.counting import count
    from tformer_keras.models.resnet import ResNet

    model = ResNet("resnet18")
    parameters = count(model).parameters
    if parameters != RESNET18_PARAMETERS:
        raise AssertionError(
            f"ResNet-18 has {parameters} parameters, torchvision's has {RESNET18_PARAMETERS}."
        )
    return model


def _application(name: str, **arguments: Any) -> Callable[[], Any]:
    def build() -> Any:
        import keras

        construct = getattr(keras.applications, name)
        return construct(
            weights=None, input_shape=(224, 224, 3), classes=1000, classifier_activation=None, **arguments
        )

    return build


def _efficientnet_b0() -> Any:
    import keras

    # It rescales and normalises inside, with no option to leave that out: the graph is cut behind it.
    whole = _application("EfficientNetB0")()
    # By class: Keras numbers the names of the layers that a process makes.
    (last,) = (layer for layer in whole.layers if isinstance(layer, keras.layers.Normalization))
    return keras.Model(last.output, whole.output, name=whole.name)


PEERS: dict[str, Peer] = {
    "tformer_s": Peer("TFormer-S", _tformer("tformer_s")),
    # One hybrid pooling with windows of one pixel is the identity, and lowers to nothing.
    "tformer_s_pool_free": Peer("TFormer-S without pooling (floor)", _tformer("tformer_s", kernels=(1,))),
    "tformer_s_stock": Peer("TFormer-S, no rewrites", _tformer("tformer_s"), rewrites="none"),
    "tformer_s_gelu": Peer("TFormer-S, GELU", _tformer("tformer_s", activation="gelu")),
    "tformer_s_gelu_stock": Peer(
        "TFormer-S, GELU, no rewrites", _tformer("tformer_s", activation="gelu"), rewrites="none"
    ),
    "resnet18": Peer("ResNet-18", _resnet18, "tensorflow"),
    "resnet50": Peer("ResNet-50", _application("ResNet50"), "tensorflow"),
    "mobilenet_v2": Peer("MobileNetV2", _application("MobileNetV2"), "tensorflow"),
    "mobilenet_v3_large": Peer(
        "MobileNetV3-Large", _application("MobileNetV3Large", include_preprocessing=False), "tensorflow"
    ),
    "efficientnet_b0": Peer("EfficientNet-B0", _efficientnet_b0, "tensorflow"),
    "poolformer_s12_batch": Peer(
        "PoolFormer-S12, BatchNorm, quick GELU",
        _tformer("poolformer_s12", norm="batch", activation="quick_gelu"),
    ),
    # By HybridPooling's own depthwise form: fast pooling without this package's converter.
    "poolformer_s12_group": Peer(
        "PoolFormer-S12, GroupNorm, quick GELU",
        _tformer("poolformer_s12", activation="quick_gelu"),
        "tensorflow",
    ),
}
