"""A training from its job to its report: data, model, record, and the run that is the one loop in Keras 3."""

import dataclasses
from typing import Any

import keras
import rich.console

from tformer_edge.errors import UserError
from tformer_keras.data.dataset import Dataset
from tformer_keras.data.load import load_dataset
from tformer_keras.models.nested_tformer import NestedTFormer, capacity_config, fill_largest
from tformer_keras.models.tformer import TFormerConfig
from tformer_keras.tasks import TASKS
from tformer_keras.training.distribution import Cluster
from tformer_keras.training.keras_run import KerasRun
from tformer_keras.training.loop import finished, speaker
from tformer_keras.training.model import build_model, copy_weights, model_config
from tformer_keras.training.nested_run import NestedRun, nested_capacities
from tformer_keras.training.recipe import plain
from tformer_keras.training.run_folder import Job, make_record, recorded_teachers


def train(
    job: Job, console: rich.console.Console, cluster: Cluster = Cluster(), dataset: Dataset | None = None
) -> dict[str, Any]:
    """Trains, or goes on with, the run in `job.out`, and returns its report.

    Args:
        job: what is asked.
        console: where to speak.
        cluster: this process' place.
        dataset: the job's, where it has been loaded already.

    Raises:
        UserError: a mistake in the job or the data, or the folder holds a run of another job.
        Stop: the run was asked to stop; its checkpoint is saved.
    """
    if job.recipe.mixed_precision is None:
        return _train(job, console, cluster, dataset)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(f"mixed_{job.recipe.mixed_precision}")
    try:
        return _train(job, console, cluster, dataset)
    finally:
        keras.config.set_dtype_policy(before)


def _train(
    job: Job, console: rich.console.Console, cluster: Cluster, dataset: Dataset | None
) -> dict[str, Any]:
    recipe, say = job.recipe, speaker(console, cluster)
    cluster.check_batch(recipe.batch_size)
    if dataset is None:
        dataset = load_dataset(job.data, seed=job.seed, skip_unreadable=job.skip_unreadable)
    if dataset.left_out:
        say(dataset.left_out)
    for skipped in dataset.skipped:
        say(f"skipped {skipped}")
    if dataset.task != recipe.task:
        raise UserError(
            f"data for {recipe.task}, which the recipe {recipe.name} trains",
            f"data for {dataset.task} in {job.data}",
            "give another --recipe, or leave it out",
        )
    config = model_config(job.model, recipe.input_size, len(dataset.class_names), recipe.model_arguments)
    if None in config.input_shape:
        raise UserError("a fixed input size", str(config.input_shape), "give it with --input-size")
    capacities = nested_capacities(job, config)
    if capacities:
        assert isinstance(config, TFormerConfig)
        config = capacity_config(config, next(iter(capacities.values())))
    preprocessing = recipe.preprocessing((int(config.input_shape[0] or 0), int(config.input_shape[1] or 0)))
    record = make_record(
        job,
        dataset,
        preprocessing,
        {"name": job.model, "config": plain(dataclasses.asdict(config))},
        {
            "model": job.model,
            "weights": job.weights,
            "teacher": recorded_teachers(job.teachers),
            "distillation": job.distillation if job.teachers else None,
            "nested": {name: list(depths) for name, depths in capacities.items()} or None,
        },
        {"xla": job.xla},
    )
    done = finished(job, record, cluster, say)
    if done is not None:
        return done

    keras.utils.set_random_seed(job.seed)
    model = build_model(job.model, config)
    if job.weights is not None:
        copy_weights(model, config, job.weights, TASKS[recipe.task])
    if capacities:
        assert isinstance(config, TFormerConfig)
        network = NestedTFormer(config, capacities)
        fill_largest(network, model)
        run: KerasRun = NestedRun(
            job,
            cluster,
            dataset,
            network,
            preprocessing,
            say,
            config=config,
            capacities=capacities,
            record=record,
        )
    else:
        run = KerasRun(job, cluster, dataset, model, preprocessing, say)
    say(
        f"{job.model} with {model.count_params():,} parameters on {dataset.name}: {len(dataset.train.names)} training "
        f"and {len(dataset.test.names)} test images of {len(dataset.class_names)} classes, "
        f"{run.steps_per_epoch} steps an epoch, {recipe.epochs} epochs, {keras.backend.backend()} backend"
        + "".join(f"; {name}: {'-'.join(map(str, depths))}" for name, depths in capacities.items())
    )
    return run.run(record, console)
