// $name: the model's flatbuffer. Written by converters/to_micro.py; do not edit.
#ifndef TFORMER_MODEL_DATA_H_
#define TFORMER_MODEL_DATA_H_

#include <stddef.h>
#include <stdint.h>

namespace tformer_model {

// SHA-256 $flatbuffer_sha256
constexpr size_t kModelBytes = $flatbuffer_bytes;
extern const uint8_t kModelData[kModelBytes];

}  // namespace tformer_model

#endif  // TFORMER_MODEL_DATA_H_
