"""What a model's outputs mean: losses, metrics and decoding of each task."""
