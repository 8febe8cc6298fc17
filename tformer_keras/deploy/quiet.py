"""Silence for libraries whose C++ side writes to standard error whatever Python's settings say."""

from tformer_edge.quiet import quiet

__all__ = ["quiet"]
