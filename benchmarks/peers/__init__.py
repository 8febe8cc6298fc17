"""The models that TFormer is measured against, made here from random weights, and their converted files."""

from benchmarks.peers.conversion import convert_by_tensorflow, convert_by_tformer
from benchmarks.peers.latency_peers import PEERS
from benchmarks.peers.model_arguments import add_model_arguments, chosen_files, label_of, names_of, ours_of
from benchmarks.peers.model_cache import CACHE, cached_file, in_a_process, model_file, sources_key
from benchmarks.peers.peer import KINDS, Peer
from benchmarks.peers.random_weights import calibration_images, randomise

__all__ = [
    "CACHE",
    "KINDS",
    "PEERS",
    "Peer",
    "add_model_arguments",
    "cached_file",
    "calibration_images",
    "chosen_files",
    "convert_by_tensorflow",
    "convert_by_tformer",
    "in_a_process",
    "label_of",
    "model_file",
    "names_of",
    "ours_of",
    "randomise",
    "sources_key",
]
