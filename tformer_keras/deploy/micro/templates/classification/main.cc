// Runs the golden vectors of $name in TensorFlow Lite Micro and compares the outputs bit for bit.
// Written by converters/to_micro.py, and yours to change: it is the smallest program that runs the model.
#include <stdint.h>

#include "golden_vectors.h"
#include "model_contract.h"
#include "model_data.h"
#include "op_resolver.h"
#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_log.h"
#include "tensorflow/lite/micro/system_setup.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

alignas(16) uint8_t arena[tformer_model::kArenaBytes];

// The label of the greatest score, the first among equal ones.
int Best(const tformer_model::OutputType* scores) {
  int best = 0;
  for (int label = 1; label < tformer_model::kLabelCount; ++label) {
    if (scores[label] > scores[best]) best = label;
  }
  return best;
}

// 0 when every golden vector's output is equal, else 1.
int Check() {
  using namespace tformer_model;
  const tflite::Model* model = tflite::GetModel(kModelData);
  if (model->version() != TFLITE_SCHEMA_VERSION) {
    MicroPrintf("expected a model of schema %d, received %d", TFLITE_SCHEMA_VERSION, static_cast<int>(model->version()));
    return 1;
  }
  static OpResolver resolver;
  if (AddOperations(resolver) != kTfLiteOk) return 1;
  static tflite::MicroInterpreter interpreter(model, resolver, arena, kArenaBytes);
  if (interpreter.AllocateTensors() != kTfLiteOk) {
    MicroPrintf("expected the model to fit into an arena of %d bytes", static_cast<int>(kArenaBytes));
    return 1;
  }
  TfLiteTensor* input = interpreter.input(0);
  TfLiteTensor* output = interpreter.output(0);
  if (input->bytes != kInputValues * sizeof(InputType) || output->bytes != kLabelCount * sizeof(OutputType)) {
    MicroPrintf("expected the tensors of model_contract.h, received others");
    return 1;
  }
  int unequal = 0;
  for (int vector = 0; vector < kGoldenCount; ++vector) {
    const GoldenVector& golden = kGolden[vector];
    InputType* pixels = tflite::GetTensorData<InputType>(input);
    for (size_t i = 0; i < kInputValues; ++i) pixels[i] = golden.input[i];
    if (interpreter.Invoke() != kTfLiteOk) return 1;
    const OutputType* scores = tflite::GetTensorData<OutputType>(output);
    int different = 0;
    for (int label = 0; label < kLabelCount; ++label) different += scores[label] != golden.output[label];
    MicroPrintf("%s: %d of %d scores differ, %s", golden.name, different, kLabelCount, kLabels[Best(scores)]);
    unequal += different != 0;
  }
  MicroPrintf("arena: %d of %d bytes used", static_cast<int>(interpreter.arena_used_bytes()),
              static_cast<int>(kArenaBytes));
  MicroPrintf(unequal == 0 ? "PASSED" : "FAILED");
  return unequal == 0 ? 0 : 1;
}

}  // namespace

int main() {
  tflite::InitializeTarget();
  return Check();
}
