"""Comparisons: a model's forms with each other, layer by layer, and a file on every runtime."""
