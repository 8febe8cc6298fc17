"""Runs the golden inputs that a model file carries and compares with what the exporter's reference kernels gave.

With --kernels reference an int8 model answers bit for bit. XNNPACK may be as far off as the exporter saw, and two units
of the last place more on another processor. Exit code 1 where it is further off.
"""

import argparse
import json

from tformer_edge.commands.model_options import add_model_arguments, open_model
from tformer_edge.golden_check import selftest

EPILOG = """examples:
  tformer-edge selftest model.tflite
  tformer-edge selftest model.tflite --kernels reference"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    with open_model(args) as model:
        results = selftest(model)
    passed = all(result.passed for result in results)
    if args.json:
        vectors = [
            {
                "name": result.name,
                "difference": result.difference,
                "allowed": result.allowed,
                "answered": result.answered,
                "passed": result.passed,
            }
            for result in results
        ]
        print(
            json.dumps({"model": args.model, "kernels": args.kernels, "passed": passed, "vectors": vectors})
        )
    else:
        for result in results:
            verdict = "passed" if result.passed else "FAILED"
            read = "" if result.answered else "; its outputs are read otherwise here than where it was made"
            print(
                f"{result.name}: {verdict}, largest difference {result.difference:g}, "
                f"allowed {result.allowed:g}{read}"
            )
        print(f"{args.kernels} kernels: {'this machine computes right' if passed else 'FAILED'}")
    return 0 if passed else 1
