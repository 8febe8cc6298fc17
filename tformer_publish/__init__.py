"""Signs and publishes models for devices, as static files: tformer_edge and python-tuf, no training framework."""
