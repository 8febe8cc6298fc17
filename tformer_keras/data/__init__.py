"""Images and their classes: datasets, and the loader that makes batches of them."""

from tformer_keras.data.dataset import Dataset, ImageSplit
from tformer_keras.data.load import load_dataset
from tformer_keras.data.loader import Loader

__all__ = ["Dataset", "ImageSplit", "Loader", "load_dataset"]
