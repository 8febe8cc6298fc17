"""What a `ProcessRunner` may ask of its child, a byte each (child.py)."""

RUN = b"r"  # an input tensor follows; the answer is followed by all outputs
DELEGATION = b"d"
TENSOR = b"t"  # a tensor's number follows, 4 bytes, little-endian; the answer is followed by the tensor
