// $name: the operations that the model needs, and no other. Written by converters/to_micro.py; do not edit.
#ifndef TFORMER_OP_RESOLVER_H_
#define TFORMER_OP_RESOLVER_H_

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

namespace tformer_model {

using OpResolver = tflite::MicroMutableOpResolver<$operation_count>;

// Adds them to an empty resolver.
inline TfLiteStatus AddOperations(OpResolver& resolver) {
$add_operations
  return kTfLiteOk;
}

}  // namespace tformer_model

#endif  // TFORMER_OP_RESOLVER_H_
