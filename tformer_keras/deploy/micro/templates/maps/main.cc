// Runs the golden vectors of $name in TensorFlow Lite Micro and compares outputs and answers bit for bit.
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

// 0 when every golden vector's outputs and answer are equal, else 1.
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
  bool right = input->bytes == kInputValues * sizeof(InputType);
  const OutputType* maps[kOutputCount];
  for (int number = 0; number < kOutputCount; ++number) {
    TfLiteTensor* output = interpreter.output(number);
    right = right && output->bytes == kOutputSizes[number] * sizeof(OutputType);
    maps[number] = tflite::GetTensorData<OutputType>(output);
  }
  if (!right) {
    MicroPrintf("expected the tensors of model_contract.h, received others");
    return 1;
  }
  int failed = 0;
  for (int vector = 0; vector < kGoldenCount; ++vector) {
    const GoldenVector& golden = kGolden[vector];
    InputType* pixels = tflite::GetTensorData<InputType>(input);
    for (size_t i = 0; i < kInputValues; ++i) pixels[i] = golden.input[i];
    if (interpreter.Invoke() != kTfLiteOk) return 1;
    int different = 0;
    const OutputType* expected = golden.output;
    for (int number = 0; number < kOutputCount; ++number) {
      for (size_t i = 0; i < kOutputSizes[number]; ++i) different += maps[number][i] != *expected++;
    }
    const bool answered = AnswerIsGolden(vector, maps);
    MicroPrintf("%s: %d of %d output values differ, the answer is %s", golden.name, different,
                static_cast<int>(kOutputValues), answered ? "equal" : "another one");
    failed += different != 0 || !answered;
  }
  MicroPrintf("arena: %d of %d bytes used", static_cast<int>(interpreter.arena_used_bytes()),
              static_cast<int>(kArenaBytes));
  MicroPrintf(failed == 0 ? "PASSED" : "FAILED");
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main() {
  tflite::InitializeTarget();
  return Check();
}
