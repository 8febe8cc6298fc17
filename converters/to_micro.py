"""Writes a model file as C++ for TensorFlow Lite Micro: the same as `tformer micro`, whose --help explains it."""

import sys

from tformer_cli.main import main

if __name__ == "__main__":
    sys.exit(main(["micro", *sys.argv[1:]]))
