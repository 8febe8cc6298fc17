"""The device graph: exact lowering of Keras 3 models, quantization-aware training and int8 TFLite."""
