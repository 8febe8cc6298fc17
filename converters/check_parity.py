"""Compares a model's forms, from Keras to LiteRT: the same as `tformer parity`, whose --help explains it."""

import sys

from tformer_cli.main import main

if __name__ == "__main__":
    sys.exit(main(["parity", *sys.argv[1:]]))
