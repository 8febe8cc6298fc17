"""Microcontrollers: the plan of the memory, TensorFlow Lite Micro's interpreter, and C++ sources."""
