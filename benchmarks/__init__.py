"""Measurements. Each file with a `main` is run by its path: `python benchmarks/latency.py --help`."""
