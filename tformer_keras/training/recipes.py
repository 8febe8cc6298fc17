"""The table of recipes: how the shipped models were trained, and how those of others are."""

import dataclasses

from tformer_keras.data.augmentation import Augmentation
from tformer_keras.training.recipe import IMAGENET_MEAN, IMAGENET_STD, Recipe, Triple

CIFAR10_MEAN: Triple = (0.4914, 0.4822, 0.4465)
CIFAR10_STD: Triple = (0.2470, 0.2435, 0.2616)
MIDDLE_GREY: Triple = (128 / 255, 128 / 255, 128 / 255)  # lets raw pixels into an int8 model

# The other recipes for CIFAR-10 differ from this one in what they name.
_CIFAR10 = Recipe(
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
)

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
    "cifar10": _CIFAR10,
    # tformer train CIFAR10 --model tformer_micro --recipe cifar10_small --out runs/cifar10_small
    # Run time: 52 minutes on one core of an AMD EPYC, TensorFlow without XLA. Score: 84.60 % top-1 of 10,000 test
    # images, seed 0, on JPEG copies of CIFAR-10. The shipped weights are those after 20 epochs more beside a teacher
    # (27 minutes, 85.43 %): models/shipped/tformer_micro_cifar10_small/card.md.
    # Where 67,346 parameters go (docs/experiments.md): into eight 3×3 convolutions, the last a patch embedding, and one
    # block at 8×8. Mean and deviation are those that let raw pixels into an int8 model.
    "cifar10_small": dataclasses.replace(
        _CIFAR10,
        name="cifar10_small",
        epochs=80,
        distillation_weight=0.9,
        distillation_temperature=4.0,
        evaluate_every=10,
        mean=MIDDLE_GREY,
        std=(0.25, 0.25, 0.25),
        augmentation=Augmentation(horizontal_flip=True, shift=4, border="reflect"),
        model_arguments={
            "width": 1.0,
            "widths": (40,),
            "depths": (1,),
            "stem_kernel": 3,
            "stem_widths": (16, 20, 24, 20, 32, 40, 40),
            "stem_stride": (1, 1, 2, 1, 1, 2, 1, 1),
            "layer_scale": None,
        },
    ),
    # tformer train CIFAR10 --model tformer_micro --recipe cifar10_large --weights runs/before --teacher A --teacher B
    # Run time: 72 minutes on two cores of an AMD EPYC, TensorFlow without XLA, after 346 minutes, most of them on one,
    # for the weights before and 167 for a teacher. Score: 90.60 % top-1 of 10,000 test images, seed 0, on JPEG copies
    # of CIFAR-10.
    # The commands of all trainings: models/shipped/tformer_micro_cifar10_large/card.md. The shipped weights are of
    # these settings, given to the recipe "cifar10" by --set and --model-set.
    # What fills 512 kB (docs/experiments.md): ten 3×3 convolutions, two of them patch embeddings, and two blocks.
    "cifar10_large": dataclasses.replace(
        _CIFAR10,
        name="cifar10_large",
        epochs=45,
        learning_rate=2e-3,
        distillation_weight=0.9,
        distillation_temperature=4.0,
        evaluate_every=9,
        mean=MIDDLE_GREY,
        std=(0.25, 0.25, 0.25),
        augmentation=Augmentation(
            horizontal_flip=True,
            shift=4,
            border="reflect",
            rand_augment=(1, 5.0),
            random_erasing=0.25,
            erasing_area=(0.02, 0.2),
            cutmix=1.0,
            mix_probability=0.5,
        ),
        model_arguments={
            "width": 1.0,
            "widths": (88, 88),
            "depths": (1, 1),
            "stem_kernel": 3,
            "stem_widths": (24, 24, 48, 48, 48, 88, 88, 88),
            "stem_stride": (1, 1, 2, 1, 1, 2, 1, 1, 1),
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
    # tformer quantize tformer_micro_cifar10 --data CIFAR10 --recipe quantize_cifar10
    # Run time: 25 min on two shared cores (13 CPU minutes). Score: 85.88 % of the 10,000 test images in LiteRT
    # (float 85.84 %, calibrated alone 85.90 %). The shipped quantized weights are of these settings, given as
    # `--epochs 2 --learning-rate 2e-4 --set augmentation.…` to the recipe "quantize".
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
