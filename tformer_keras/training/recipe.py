"""Training recipes as neutral data: no Keras object, so that `keras` and `tf_keras` are built from the same values."""

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.preprocessing_checks import Resize
from tformer_keras.data.augmentation import Augmentation
from tformer_keras.tasks import TASKS

Triple = tuple[float, float, float]

IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)

# Far more than any run needs, and little enough that what follows from them can be represented.
MAX_BATCH, MAX_RATE = 1 << 20, 1e38


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how a model is trained, apart from the data, the model and the seed.

    Attributes:
        name: the recipe's name in `RECIPES`.
        epochs: passes over the training images, ≥ 1.
        batch_size: images of one step over all processes and devices, ≥ 1.
        learning_rate: peak learning rate at this batch size (it is not scaled when the batch size is changed), > 0.
        final_learning_rate: the cosine's end as a fraction of `learning_rate`, 0..1.
        warmup_epochs: epochs of linear warm-up from 0, ≥ 0; part of `epochs`.
        weight_decay: AdamW's decoupled decay, not on norms, biases and LayerScale, ≥ 0.
        beta_1, beta_2: AdamW's moment decays, 0..1.
        clip_norm: limit of the gradients' global norm, or None.
        ema_momentum: decay of the weights' moving average a step, 0..1, or None; the average is what the run ends
            with. A run of fewer steps than 5 / (1 - ema_momentum) takes a smaller one.
        label_smoothing: 0..1, share of the label mass that is spread over all classes.
        accumulate: batches whose gradients are averaged before one update, ≥ 1.
        mixed_precision: None (float32), "bfloat16" or "float16" (with Keras' dynamic loss scale).
        frozen_epochs: epochs, of `epochs`, in which only the head is trained (transfer learning), ≥ 0.
        frozen_learning_rate: constant learning rate of those epochs, > 0.
        distillation_weight: share of the teacher's term in the loss, 0..1, when there is a teacher.
        distillation_temperature: softmax temperature of soft distillation, > 0.
        freeze_ranges_from: share of the epochs, rounded down to whole ones, after which the quantization ranges stand
            still, 0 (as calibrated) to 1 (never), or None (never); for `tformer quantize` alone.
        evaluate_every: epochs between evaluations on the test images, ≥ 1; the last epoch is always evaluated.
        input_size: (height, width) in pixels, or None for the model's own default.
        resize, crop_fraction, mean, std: evaluation preprocessing, see `tformer_edge.preprocessing.Preprocessing`.
        augmentation: what is done to training images.
        task: what is trained, a key of `tformer_keras.tasks.TASKS`.
        box_weight: of the box loss beside the focal loss, ≥ 0; for detection alone.
        class_weights: None, or "log": 1 / ln(1.1 + share of the pixels) of each class; for segmentation alone.
        model_arguments: constructor arguments of the model that belong to this recipe; the user's own win.
    """

    name: str
    epochs: int
    batch_size: int
    learning_rate: float
    final_learning_rate: float = 0.01
    warmup_epochs: float = 0.0
    weight_decay: float = 0.05
    beta_1: float = 0.9
    beta_2: float = 0.999
    clip_norm: float | None = None
    ema_momentum: float | None = None
    label_smoothing: float = 0.0
    accumulate: int = 1
    mixed_precision: str | None = None
    frozen_epochs: int = 0
    frozen_learning_rate: float = 1e-3
    distillation_weight: float = 0.5
    distillation_temperature: float = 3.0
    freeze_ranges_from: float | None = None
    evaluate_every: int = 1
    input_size: tuple[int, int] | None = None
    resize: Resize = "stretch"
    crop_fraction: float = 1.0
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    augmentation: Augmentation = field(default_factory=Augmentation)
    task: str = "classification"
    box_weight: float = 1.0
    class_weights: str | None = None
    model_arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rules: list[tuple[str, bool, str]] = [
            ("epochs", self.epochs >= 1, "at least 1"),
            ("batch_size", 1 <= self.batch_size <= MAX_BATCH, f"1 to {MAX_BATCH}"),
            ("learning_rate", 0 < self.learning_rate <= MAX_RATE, f"more than 0 and at most {MAX_RATE:g}"),
            ("final_learning_rate", 0 <= self.final_learning_rate <= 1, "a fraction from 0 to 1"),
            ("warmup_epochs", self.warmup_epochs >= 0, "at least 0"),
            ("weight_decay", self.weight_decay >= 0, "at least 0"),
            ("beta_1", 0 <= self.beta_1 < 1, "from 0 to below 1"),
            ("beta_2", 0 <= self.beta_2 < 1, "from 0 to below 1"),
            ("clip_norm", self.clip_norm is None or self.clip_norm > 0, "more than 0, or None"),
            (
                "ema_momentum",
                self.ema_momentum is None or 0 <= self.ema_momentum < 1,
                "from 0 to below 1, or None",
            ),
            ("label_smoothing", 0 <= self.label_smoothing < 1, "from 0 to below 1"),
            ("accumulate", self.accumulate >= 1, "at least 1"),
            (
                "mixed_precision",
                self.mixed_precision in (None, "bfloat16", "float16"),
                "None, bfloat16 or float16",
            ),
            (
                "frozen_epochs",
                0 <= self.frozen_epochs < self.epochs or self.frozen_epochs == 0,
                "below epochs",
            ),
            (
                "frozen_learning_rate",
                0 < self.frozen_learning_rate <= MAX_RATE,
                f"more than 0 and at most {MAX_RATE:g}",
            ),
            ("distillation_weight", 0 <= self.distillation_weight <= 1, "from 0 to 1"),
            ("distillation_temperature", self.distillation_temperature > 0, "more than 0"),
            (
                "freeze_ranges_from",
                self.freeze_ranges_from is None or 0 <= self.freeze_ranges_from <= 1,
                "from 0 to 1, or None",
            ),
            ("evaluate_every", self.evaluate_every >= 1, "at least 1"),
            ("task", self.task in TASKS, f"one of {', '.join(TASKS)}"),
            ("resize", self.resize in typing.get_args(Resize), "stretch, shorter or letterbox"),
            ("box_weight", 0 <= self.box_weight <= MAX_RATE, f"0 to {MAX_RATE:g}"),
            ("class_weights", self.class_weights in (None, "log"), "None or 'log'"),
            ("crop_fraction", 0 < self.crop_fraction <= 1, "more than 0 and at most 1"),
        ]
        for name, good, expected in rules:
            if not good:
                raise UserError(
                    expected, repr(getattr(self, name)), "change it with --set", where=f"recipe field {name}"
                )

    def preprocessing(self, input_size: tuple[int, int]) -> Preprocessing:
        """The evaluation preprocessing of this recipe for models of `input_size` (height, width)."""
        return Preprocessing(
            input_size=input_size,
            resize=self.resize,
            crop_fraction=self.crop_fraction,
            mean=self.mean,
            std=self.std,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data: dictionaries, lists, strings, numbers and None.

        An option that came later stands there only where it is on: a run that was recorded before goes on.
        """
        settings = typing.cast(dict[str, Any], plain(dataclasses.asdict(self)))
        if not self.augmentation.reduced_decoding:
            del settings["augmentation"]["reduced_decoding"]
        return settings


def plain(value: Any) -> Any:
    """`value` with tuples as lists and mappings as dictionaries, so that it equals what JSON gives back."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
