"""Quantization: ranges of logical tensors, fake quantization, and quantization-aware training."""
