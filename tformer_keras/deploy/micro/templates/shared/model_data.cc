// $name: the model's flatbuffer. Written by converters/to_micro.py; do not edit.
#include "model_data.h"

namespace tformer_model {

// A flatbuffer is read where it lies, and its tensors want 16 bytes of alignment.
alignas(16) const uint8_t kModelData[kModelBytes] = {
$flatbuffer
};

}  // namespace tformer_model
