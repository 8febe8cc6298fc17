"""From a model that somebody names to one model file and its report: what `tformer convert` does, for Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tformer_edge.certainty import Certainty
from tformer_edge.contract import ModelFile
from tformer_edge.errors import UserError
from tformer_edge.labels import check_labels
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.dataset import Dataset
from tformer_keras.data.load import load_dataset
from tformer_keras.data.pixels import pixel_batches, spaced, split_pixels, synthetic_pixels
from tformer_keras.deploy.border import Border, with_border
from tformer_keras.deploy.compare.affordable import affordable
from tformer_keras.deploy.compare.conversion_report import (
    LAYER_IMAGES,
    Accuracy,
    ConversionReport,
    golden_of,
    measure,
    measure_layers,
)
from tformer_keras.deploy.compare.file_proof import prove
from tformer_keras.deploy.compare.opens_in import opens_in
from tformer_keras.deploy.conversion import Conversion, convert, model_file
from tformer_keras.deploy.conversion_options import ConversionOptions
from tformer_keras.deploy.graph.lowering_proof import compiled
from tformer_keras.deploy.graph.rewrites.flat_detector import anchors_of, maps_of
from tformer_keras.deploy.graph_source import AS_TRAINED, GraphSource, open_graph
from tformer_keras.deploy.mediapipe import for_mediapipe
from tformer_keras.deploy.npu.vela import compile_for_npu
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.deploy.tflite.metadata import NOTHING_SAID, About, metadata_of, read_metadata
from tformer_keras.models.counting import count
from tformer_keras.tasks.task import evaluate
from tformer_keras.training.forward import finite
from tformer_keras.training.provenance import versions
from tformer_keras.training.saved_model import BarePreprocessing

# Of each kind: generated, calibration and test images.
PROOF_IMAGES = 4


def convert_model(
    model: str | Path | keras.Model,
    options: ConversionOptions | None = None,
    bare: BarePreprocessing | None = None,
) -> tuple[ModelFile, ConversionReport]:
    """Converts a model to one model file for devices, measures it, and writes nothing.

    file, report = convert_model("runs/photos-int8", ConversionOptions(data="photos"))
    tformer_edge.files.write_whole(Path("photos.tflite"), file.to_bytes())
    print(report.accuracy, report.total_bytes)

    Args:
        model: a run's folder, a `.keras` file, a shipped name, a variant's name (fresh weights), or a Keras 3 model.
        options: None: int8 for LiteRT.
        bare: preprocessing and labels of a bare file, or of a model in memory.

    Returns:
        The file, whose `to_bytes()` is what devices take, and everything that is known of it.

    Raises:
        UserError: the model, the images or the options cannot be used; the model's outputs are not finite; the file
            does not compute what the model computes.
    """
    options = options or ConversionOptions()
    source = open_graph(model, options, options.kind == "int8", bare)
    trained = source.trained
    # Before minutes of work: what the contract's reader would refuse.
    check_labels(trained.class_names)
    run = compiled(trained.model)
    images = synthetic_pixels(
        trained.model.inputs[0].shape[0] or 2,
        trained.preprocessing.input_size,
        trained.preprocessing.channels,
    )
    finite(run, trained.name)(trained.preprocessing.normalise(images))
    dataset = _dataset(source, options)
    border = _border(source, options)
    conversion = convert(border.source, options.kind, border.io, options.batch, options.names)
    proof = None
    if options.verify:
        proof_pixels = _proof_pixels(source, dataset)
        proof = prove(conversion, proof_pixels, trained.preprocessing, model=run, border=border)
    accuracy = None if dataset is None else _accuracy(source, conversion, dataset, options, border)
    pixels, layer_images = _layer_pixels(source, dataset, affordable(conversion.file, LAYER_IMAGES))
    file = file_of(source, conversion, accuracy, border, options.metadata)
    parameters, macs = _size(trained.model)
    report = ConversionReport(
        model=trained.name,
        weights=source.weights,
        fresh=source.fresh,
        kind=conversion.kind,
        io=options.io or conversion.io,
        batch=conversion.batch,
        target=conversion.source.target,
        rewrites=tuple(conversion.source.rewrites),
        notes=(*source.notes, *border.notes, *([proof.note] if proof is not None and proof.note else [])),
        measured=measure(conversion, options.threads, border),
        parameters=parameters,
        macs=macs,
        accuracy=accuracy,
        layers=measure_layers(conversion, pixels, border.takes),
        layer_images=layer_images,
        flatbuffer_bytes=len(file.flatbuffer),
        total_bytes=len(file.to_bytes()),
        golden=golden_of(file),
        proof=proof,
        npu=None if options.npu is None else compile_for_npu(conversion.flatbuffer, options.npu),
        opens_in=_opens_in(conversion, border, file),
    )
    return file, report


def file_of(
    source: GraphSource,
    conversion: Conversion,
    accuracy: Accuracy | None = None,
    border: Border | None = None,
    metadata: About | None = NOTHING_SAID,
) -> ModelFile:
    """The model file of a conversion, with its contract and golden vectors; for LiteRT also with TFLite Metadata,
    unless they are None."""
    trained = source.trained
    image = trained.preprocessing if border is None else border.image
    means = trained.outputs_mean() if border is None else border.means
    note = None
    if metadata is not None and conversion.source.target == "litert":
        joined = anchors_of(border.joined, image.input_size) if border is not None else ()
        said = trained.outputs_mean() if joined else means
        note = metadata_of(trained.name, trained.task.name, image, said, metadata, joined)
    return model_file(
        conversion,
        name=trained.name,
        task=trained.task.name,
        preprocessing=image,
        means=replace(means, certainty=_certainty(source, accuracy, means.meaning)),
        source=_record(source, conversion, border),
        accuracy=None if accuracy is None else accuracy.to_json(),
        versions=versions(),
        metadata=note,
    )


def _opens_in(conversion: Conversion, border: Border, file: ModelFile) -> dict[str, str | None]:
    assert file.contract is not None
    return opens_in(
        file.contract,
        conversion.file,
        target=conversion.source.target,
        metadata=read_metadata(file.flatbuffer) is not None,
        joined=bool(border.joined),
    )


def _border(source: GraphSource, options: ConversionOptions) -> Border:
    trained = source.trained
    known = (source.graph, trained.task.name, trained.preprocessing, trained.outputs_mean(), options.kind)
    if options.made_for is None:
        return with_border(*known, options.io, options.output, options.exact)
    return for_mediapipe(*known, options.exact)


def _certainty(source: GraphSource, accuracy: Accuracy | None, meaning: str) -> Certainty | None:
    """What was measured with this very file; else what was before with the same quantized weights' logits."""
    if accuracy is not None:
        measured = accuracy.evaluation.certainty
        return None if measured is None else measured.certainty
    known = source.weights == AS_TRAINED and meaning == "logits"
    return source.trained.certainty if known else None


def _dataset(source: GraphSource, options: ConversionOptions) -> Dataset | None:
    if options.data is None:
        return None
    trained = source.trained
    if source.fresh:
        raise UserError(
            "trained weights for --data", f"{trained.name}, whose weights are fresh", "leave it out"
        )
    dataset = load_dataset(options.data, seed=trained.split_seed or 0)
    trained.check_classes(dataset, options.data)
    return dataset


def _accuracy(
    source: GraphSource, conversion: Conversion, dataset: Dataset, options: ConversionOptions, border: Border
) -> Accuracy:
    trained = source.trained
    interpreter = LiteRT(conversion.flatbuffer, threads=options.threads)
    classes, test = len(trained.class_names), dataset.test
    batches = pixel_batches(
        test,
        trained.preprocessing,
        trained.task.judging(test),
        classes,
        "accuracy in LiteRT",
        range(len(test)),
    )
    judge = trained.task.judge(trained.class_names, border.means.meaning, interpreter.step, certainty=True)
    forward = interpreter.forward(border.image)
    if border.joined:
        size, levels = border.image.input_size, border.joined
        return Accuracy(
            dataset.name, evaluate(lambda pixels: maps_of(forward(pixels), size, levels), batches, judge)
        )
    return Accuracy(dataset.name, evaluate(forward, batches, judge))


def _proof_pixels(source: GraphSource, dataset: Dataset | None) -> NDArray[np.uint8]:
    """Generated images, and beside them some that calibrated the graph and some of the data set, if there are any."""
    preprocessing = source.trained.preprocessing
    parts = [_generated(PROOF_IMAGES, preprocessing)]
    if source.calibration is not None:
        parts.append(source.calibration[:PROOF_IMAGES])
    if dataset is not None:
        parts.append(split_pixels(dataset.test, preprocessing, spaced(len(dataset.test), PROOF_IMAGES)))
    return np.concatenate(parts)


def _generated(count: int, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Generated images, the first of them the golden one: of a large model the reference kernels then run once."""
    return synthetic_pixels(count + 1, preprocessing.input_size, preprocessing.channels)[1:]


def _layer_pixels(source: GraphSource, dataset: Dataset | None, count: int) -> tuple[NDArray[np.uint8], str]:
    """(pixels for the errors of layers, what these are)."""
    preprocessing = source.trained.preprocessing
    if dataset is None:
        pixels = _generated(count, preprocessing)
        return pixels, f"{len(pixels)} generated image{'' if len(pixels) == 1 else 's'}"
    pixels = split_pixels(dataset.test, preprocessing, spaced(len(dataset.test), count))
    return pixels, f"{len(pixels)} test image{'' if len(pixels) == 1 else 's'}"


def _size(model: keras.Model) -> tuple[int | None, int | None]:
    try:
        size = count(model)
    except ValueError:  # a layer of the user's own, for which there is no counting rule
        return None, None
    return size.parameters, size.macs


def _record(source: GraphSource, conversion: Conversion, border: Border | None) -> dict[str, Any]:
    """The contract's `source`: what the file was made from, and how."""
    return {
        **source.trained.record,
        "weights": source.weights,
        "conversion": {
            "kind": conversion.kind,
            "target": conversion.source.target,
            "rewrites": list(conversion.source.rewrites),
            **({} if border is None else border.to_json()),
        },
    }
