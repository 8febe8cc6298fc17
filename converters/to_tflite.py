"""Writes a model as one .tflite file: the same as `tformer convert`, whose --help explains it."""

import sys

from tformer_cli.main import main

if __name__ == "__main__":
    sys.exit(main(["convert", *sys.argv[1:]]))
