"""What runs on the device: numpy, pillow and ai-edge-litert, never TensorFlow or Keras."""
