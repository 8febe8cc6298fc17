// $name: what the golden vectors' outputs say. Written by converters/to_micro.py; do not edit.
#include "detections.h"
#include "golden_vectors.h"

namespace tformer_model {
namespace {

struct GoldenBox {
  double left, top, right, bottom;
  double logit;
  int32_t label;
};

$answer_arrays

struct GoldenAnswer {
  int count;
  const GoldenBox* boxes;
};

const GoldenAnswer kAnswers[kGoldenCount] = {
$answer_entries
};

DetectionMemory memory;

}  // namespace

bool AnswerIsGolden(int number, const OutputType* const maps[kOutputCount]) {
  const GoldenAnswer& golden = kAnswers[number];
  const int count = FindDetections(maps, memory);
  bool equal = count == golden.count;
  for (int i = 0; equal && i < count; ++i) {
    const Detection& found = memory.found[i];
    const GoldenBox& box = golden.boxes[i];
    equal = found.left == box.left && found.top == box.top && found.right == box.right && found.bottom == box.bottom &&
            found.logit == box.logit && found.label == box.label;
  }
  return equal;
}

}  // namespace tformer_model
