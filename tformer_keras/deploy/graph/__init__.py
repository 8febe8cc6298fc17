"""The device graph: an exact lowering of Keras 3 models by rules and rewrites, built again in tf_keras."""
