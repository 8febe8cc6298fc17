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
CIFAR10_MEAN: Triple = (0.4914, 0.4822, 0.4465)
CIFAR10_STD: Triple = (0.2470, 0.2435, 0.2616)
MIDDLE_GREY: Triple = (128 / 255, 128 / 255, 128 / 255)  # lets raw pixels into an int8 model


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


# The command, run time and score that open each entry are those of a run that was made, or say that none was.
RECIPES: dict[str, Recipe] = {
    # tformer train IMAGENET --model tformer_s --recipe imagenet --out runs/imagenet-s --backend jax --processes N ...
    # Run time: days on several GPUs; not run by this project. Expected: the paper's Table 1.
    # The paper: 300 epochs, AdamW, 1e-3 at batch 1,024, weight decay 0.05, cosine, MixUp, CutMix, Cutout, RandAugment,
    # label smoothing, stochastic depth (an argument of the model: 0.1, 0.1, 0.2 for S, M, L).
    # Not stated by the paper, our choice (PoolFormer's published settings): warm-up, magnitudes, label smoothing 0.1.
    "imagenet": Recipe(
        name="imagenet",
        epochs=300,
        batch_size=1024,
        learning_rate=1e-3,
        warmup_epochs=5,
        weight_decay=0.05,
        label_smoothing=0.1,
        resize="shorter",
        crop_fraction=0.9,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        augmentation=Augmentation(
            horizontal_flip=True,
            resized_crop=(0.08, 1.0),
            rand_augment=(2, 9.0),
            random_erasing=0.25,
            mixup=0.8,
            cutmix=1.0,
        ),
    ),
    # tformer train CIFAR10 --model tformer_micro --recipe cifar10 --out runs/cifar10
    # Run time: 110 minutes on two shared x86-64 cores, TensorFlow without XLA. Score: 85.84 % top-1 of 10,000 test
    # images, seed 0, on JPEG copies of CIFAR-10 (card: models/shipped/tformer_micro_cifar10/card.md).
    # A stem of three 3×3 convolutions that leaves 16×16 maps, three stages (16, 8 and 4 a side), no LayerScale: a short
    # schedule has no time to grow it from 1e-5.
    "cifar10": Recipe(
        name="cifar10",
        epochs=24,
        batch_size=128,
        learning_rate=3e-3,
        final_learning_rate=0.005,
        warmup_epochs=2,
        weight_decay=0.05,
        beta_2=0.99,
        ema_momentum=0.998,
        label_smoothing=0.1,
        evaluate_every=5,
        input_size=(32, 32),
        mean=CIFAR10_MEAN,
        std=CIFAR10_STD,
        augmentation=Augmentation(horizontal_flip=True, shift=3, border="reflect"),
        model_arguments={
            "width": 1.0,
            "widths": (64, 96, 96),
            "depths": (2, 2, 1),
            "stem_kernel": 3,
            "stem_widths": (32, 32),
            "stem_stride": (1, 2, 1),
            "layer_scale": None,
        },
    ),
    # tformer train CIFAR10 --model tformer_micro --recipe cifar10_small --out runs/cifar10_small
    # Run time: 60 minutes on one core of an AMD EPYC, TensorFlow without XLA. Score: 85.27 % top-1 of 10,000 test
    # images, seed 0, on JPEG copies of CIFAR-10 (card: models/shipped/tformer_micro_cifar10_small/card.md). The shipped
    # weights are of these settings, given to the recipe "cifar10" by --set and --model-set.
    # Where 69,370 parameters go (docs/experiments.md): into eight 3×3 convolutions, the last a patch embedding, and one
    # block at 8×8. Mean and deviation are those that let raw pixels into an int8 model.
    "cifar10_small": Recipe(
        name="cifar10_small",
        epochs=80,
        batch_size=128,
        learning_rate=3e-3,
        final_learning_rate=0.005,
        warmup_epochs=2,
        weight_decay=0.05,
        beta_2=0.99,
        ema_momentum=0.998,
        label_smoothing=0.1,
        evaluate_every=10,
        input_size=(32, 32),
        mean=MIDDLE_GREY,
        std=(0.25, 0.25, 0.25),
        augmentation=Augmentation(horizontal_flip=True, shift=4, border="reflect"),
        model_arguments={
            "width": 1.0,
            "widths": (40,),
            "depths": (1,),
            "stem_kernel": 3,
            "stem_widths": (16, 20, 24, 24, 32, 40, 40),
            "stem_stride": (1, 1, 2, 1, 1, 2, 1, 1),
            "layer_scale": None,
        },
    ),
    # tformer train digits --model tformer_micro --recipe digits --out runs/digits
    # Run time: about one CPU minute. Score: 99.72 % top-1 of 360 test images, seed 0 (`make demo`).
    "digits": Recipe(
        name="digits",
        epochs=20,
        batch_size=64,
        learning_rate=4e-3,
        warmup_epochs=1,
        weight_decay=0.05,
        label_smoothing=0.05,
        input_size=(16, 16),
        mean=MIDDLE_GREY,
        std=(0.5, 0.5, 0.5),
        augmentation=Augmentation(shift=1),
        model_arguments={"stem_kernel": 3, "stem_stride": 1},
    ),
    # tformer train FOLDER
    # Input size, model, epochs, batch size and augmentation are chosen by training/photos.py from what is in it,
    # and each by its option instead. Run time and score depend on the pictures: about 6,000 steps. Mean and deviation
    # are those that let raw pixels into an int8 model.
    "photos": Recipe(
        name="photos",
        epochs=60,
        batch_size=64,
        learning_rate=2e-3,
        final_learning_rate=0.005,
        warmup_epochs=2,
        weight_decay=0.05,
        clip_norm=1.0,
        ema_momentum=0.998,
        label_smoothing=0.1,
        resize="shorter",
        mean=MIDDLE_GREY,
        std=(0.25, 0.25, 0.25),
        augmentation=Augmentation(horizontal_flip=True, resized_crop=(0.35, 1.0), random_erasing=0.1),
        model_arguments={"layer_scale": None},
    ),
    # tformer train COCO --model retinanet_tformer_s --recipe coco --weights CLASSIFIER --backend jax ...
    # Run time: days on several GPUs; not run by this project. Expected: the paper's Table 6.
    # The paper: ImageNet weights, AdamW, 1e-4, batch 16, 12 epochs, images of 1280×800. Not stated by the paper, our
    # choice (MMDetection's for PoolFormer): flips, warm-up; a cosine in place of two steps.
    "coco": Recipe(
        name="coco",
        task="detection",
        epochs=12,
        batch_size=16,
        learning_rate=1e-4,
        warmup_epochs=0.1,
        weight_decay=0.05,
        evaluate_every=1,
        input_size=(800, 1280),
        resize="letterbox",
        augmentation=Augmentation(horizontal_flip=True),
    ),
    # tformer train ADE20K --model semantic_fpn_tformer_s --recipe ade20k --weights CLASSIFIER --backend jax ...
    # Run time: a day on several GPUs; not run by this project. Expected: the paper's Table 7.
    # The paper: ImageNet weights, AdamW, 2e-4, batch 32, 40,000 steps (63 epochs of 20,210 images), polynomial decay of
    # power 0.9, 512×512. Our choice: a cosine in its place; scales of 0.5 to 2 and colour are MMSegmentation's.
    "ade20k": Recipe(
        name="ade20k",
        task="segmentation",
        epochs=63,
        batch_size=32,
        learning_rate=2e-4,
        weight_decay=1e-4,
        evaluate_every=7,
        input_size=(512, 512),
        augmentation=Augmentation(horizontal_flip=True, zoom_crop=(0.5, 2.0), colour=0.3),
    ),
    # tformer train FOLDER (with boxes)
    # Input size, epochs and batch size are chosen by training/scenes.py from what is in it.
    "detect": Recipe(
        name="detect",
        task="detection",
        epochs=100,
        batch_size=8,
        learning_rate=1e-3,
        final_learning_rate=0.01,
        warmup_epochs=1,
        weight_decay=0.05,
        clip_norm=10.0,
        ema_momentum=0.998,
        evaluate_every=10,
        mean=MIDDLE_GREY,
        std=(0.25, 0.25, 0.25),
        augmentation=Augmentation(horizontal_flip=True, zoom_crop=(0.7, 1.8), colour=0.3),
    ),
    # tformer train FOLDER (with masks)
    "segment": Recipe(
        name="segment",
        task="segmentation",
        epochs=100,
        batch_size=8,
        learning_rate=1e-3,
        final_learning_rate=0.01,
        warmup_epochs=1,
        weight_decay=0.05,
        clip_norm=10.0,
        ema_momentum=0.998,
        evaluate_every=10,
        mean=MIDDLE_GREY,
        std=(0.25, 0.25, 0.25),
        class_weights="log",
        augmentation=Augmentation(horizontal_flip=True, zoom_crop=(0.8, 2.0), colour=0.3),
    ),
    # tformer train FOLDER --model tformer_micro --recipe finetune --weights runs/imagenet/model.keras --out runs/mine
    # Run time and score depend on the images; not run by this project on a public data set.
    # The head alone first, so that its random gradients do not wreck the loaded weights, then everything, gently.
    "finetune": Recipe(
        name="finetune",
        epochs=30,
        batch_size=64,
        learning_rate=3e-4,
        warmup_epochs=2,
        weight_decay=0.05,
        clip_norm=1.0,
        ema_momentum=0.998,
        label_smoothing=0.1,
        frozen_epochs=5,
        frozen_learning_rate=2e-3,
        resize="shorter",
        crop_fraction=0.9,
        augmentation=Augmentation(horizontal_flip=True, resized_crop=(0.25, 1.0), random_erasing=0.1),
    ),
    # tformer quantize runs/mine --data FOLDER --out runs/mine-int8
    # Run time: a few epochs of the training's. Score: depends on the model; see quantize_cifar10.
    # For any trained classifier: small steps, no augmentation (which ones a data set allows is not known here), ranges
    # that stand still in the second half.
    "quantize": Recipe(
        name="quantize",
        epochs=4,
        batch_size=128,
        learning_rate=1e-4,
        final_learning_rate=0.01,
        warmup_epochs=0.2,
        weight_decay=1e-4,
        clip_norm=1.0,
        distillation_weight=0.9,
        distillation_temperature=2.0,
        freeze_ranges_from=0.5,
    ),
    # tformer quantize runs/cells --data FOLDER
    # For detectors and segmenters. Run time: a few epochs of the training's; score: see the cards of the shipped ones.
    "quantize_scenes": Recipe(
        name="quantize_scenes",
        task="detection",
        epochs=6,
        batch_size=8,
        learning_rate=1e-4,
        final_learning_rate=0.01,
        warmup_epochs=0.2,
        weight_decay=1e-4,
        clip_norm=10.0,
        evaluate_every=3,
        distillation_weight=0.5,
        freeze_ranges_from=0.5,
        class_weights="log",
        augmentation=Augmentation(horizontal_flip=True, zoom_crop=(0.9, 1.3)),
    ),
    # tformer quantize tformer_micro_cifar10 --data CIFAR10 --recipe quantize_cifar10 --distill
    # Run time: 25 min on two shared cores (13 CPU minutes). Score: 85.88 % of the 10,000 test images in LiteRT
    # (float 85.84 %, calibrated alone 85.90 %). The shipped quantized weights are of these settings, given as
    # `--distill --epochs 2 --learning-rate 2e-4 --set augmentation.…` to the recipe "quantize".
    # The augmentation of the float training: a model that has learnt with it would fit plain images too closely.
    "quantize_cifar10": Recipe(
        name="quantize_cifar10",
        epochs=2,
        batch_size=128,
        learning_rate=2e-4,
        final_learning_rate=0.01,
        warmup_epochs=0.2,
        weight_decay=1e-4,
        clip_norm=1.0,
        distillation_weight=0.9,
        distillation_temperature=2.0,
        freeze_ranges_from=0.5,
        augmentation=Augmentation(horizontal_flip=True, shift=3, border="reflect"),
    ),
    # tformer update runs/mine-int8 --data FOLDER --budget 5%
    # Run time: four to six trainings of these epochs, some 6 CPU minutes each for 5,000 images of CIFAR-10. Score:
    # docs/updates.md. No decay: what moves moves for the new images. No augmentation, as in "quantize".
    "update": Recipe(
        name="update",
        epochs=4,
        batch_size=64,
        learning_rate=1e-3,
        final_learning_rate=0.01,
        warmup_epochs=0.5,
        weight_decay=0.0,
        clip_norm=1.0,
        evaluate_every=4,
        freeze_ranges_from=0.0,
    ),
    # tformer update runs/cells-int8 --data FOLDER --budget 5%
    # For detectors and segmenters; not run by this project at full size.
    "update_scenes": Recipe(
        name="update_scenes",
        task="detection",
        epochs=8,
        batch_size=8,
        learning_rate=3e-4,
        final_learning_rate=0.01,
        warmup_epochs=0.5,
        weight_decay=0.0,
        clip_norm=10.0,
        evaluate_every=8,
        freeze_ranges_from=0.0,
        class_weights="log",
        augmentation=Augmentation(horizontal_flip=True, zoom_crop=(0.9, 1.3)),
    ),
}
