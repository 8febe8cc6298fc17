// $name: inputs, and what LiteRT's reference kernels give for them. Written by converters/to_micro.py; do not edit.
#ifndef TFORMER_GOLDEN_VECTORS_H_
#define TFORMER_GOLDEN_VECTORS_H_

#include "model_contract.h"

namespace tformer_model {

// The outputs stand one behind the other, in the model's order: kOutputValues.
struct GoldenVector {
  const char* name;
  const InputType* input;
  const OutputType* output;
};

constexpr int kGoldenCount = $golden_count;
extern const GoldenVector kGolden[kGoldenCount];

// Whether maps, one a model output, give the golden answer of a vector by its number, to the bit.
bool AnswerIsGolden(int number, const OutputType* const maps[kOutputCount]);

}  // namespace tformer_model

#endif  // TFORMER_GOLDEN_VECTORS_H_
