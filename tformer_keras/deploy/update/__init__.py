"""Updates of a quantized model that is on devices already: few weights move, the int8 grid stays."""
