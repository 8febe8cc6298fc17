"""Builds one model of the tables with random weights and converts it: what the cache runs in a process of its own."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.peers.conversion import convert_by_tensorflow, convert_by_tformer
from benchmarks.peers.latency_peers import PEERS
from benchmarks.peers.model_cache import peer_of
from benchmarks.peers.paper_tables import PAPER_PEERS
from benchmarks.peers.peer import KINDS
from benchmarks.peers.random_weights import randomise
from benchmarks.task_peers import TASK_PEERS, convert_task_peer


def convert(name: str, kind: str) -> bytes:
    """Builds a peer with random weights and converts it."""
    if name in TASK_PEERS:
        return convert_task_peer(name)
    import keras

    peer = peer_of(name)
    keras.utils.set_random_seed(0)
    model = peer.build()
    randomise(model)
    if peer.converter == "tensorflow":
        return convert_by_tensorflow(model, kind)
    return convert_by_tformer(model, kind, peer.rewrites)


def main() -> int:
    """Converts one model into a file."""
    parser = argparse.ArgumentParser(description="convert one model of the latency tables")
    parser.add_argument("name", choices=[*PEERS, *TASK_PEERS, *PAPER_PEERS], metavar="name")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--out", required=True, type=Path, help="the .tflite file to write")
    args = parser.parse_args()
    args.out.write_bytes(convert(args.name, args.kind))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
