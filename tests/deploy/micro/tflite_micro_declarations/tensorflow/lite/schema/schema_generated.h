#ifndef DECLARATIONS_SCHEMA_GENERATED_H_
#define DECLARATIONS_SCHEMA_GENERATED_H_
#include <stdint.h>
#define TFLITE_SCHEMA_VERSION (3)
namespace tflite {
struct Model {
  uint32_t version() const;
};
const Model* GetModel(const void* buffer);
}  // namespace tflite
#endif
