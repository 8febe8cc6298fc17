// Least declarations for a syntax check, from TensorFlow Lite Micro's documented API; no code of it is here.
#ifndef DECLARATIONS_C_COMMON_H_
#define DECLARATIONS_C_COMMON_H_
#include <stddef.h>
#include <stdint.h>

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

struct TfLiteTensor {
  void* raw;
  size_t bytes;
};

#define TF_LITE_ENSURE_STATUS(call)          \
  do {                                       \
    const TfLiteStatus status = (call);      \
    if (status != kTfLiteOk) return status;  \
  } while (false)

namespace tflite {
template <class T>
T* GetTensorData(TfLiteTensor* tensor) {
  return static_cast<T*>(tensor->raw);
}
}  // namespace tflite
#endif
