// $name: from the model's maps to boxes ("Of a detector" in docs/contract.md of tformer-keras), to the last bit.
// Written by converters/to_micro.py; do not edit. Nothing here takes memory of its own.
#ifndef TFORMER_DETECTIONS_H_
#define TFORMER_DETECTIONS_H_

#include "model_contract.h"

namespace tformer_model {

// One thing that was found. Sides are in pixels of the input: 0 to kInputWidth and 0 to kInputHeight.
struct Detection {
  double left, top, right, bottom;
  double logit;   // what it ranks by
  int32_t label;  // of kLabels
  float score;    // 0 to 1, the sigmoid of the logit; for display
};

// A score must exceed the first; of two boxes of a label that overlap by more than the second the better one stays.
constexpr double kScoreThreshold = $score_threshold;
constexpr double kIouThreshold = $iou_threshold;

// The most boxes that are found, and the most candidates, anchors with a label, that are looked at: of each level at most
// $per_level, the highest.
constexpr int kMaxBoxes = $max_boxes;
constexpr int kMaxCandidates = $max_candidates;
using CandidateIndex = $index_type;

// All memory that FindDetections writes to: $memory_text bytes, static or wherever you have room.
struct DetectionMemory {
  Detection found[kMaxBoxes];
  uint32_t counts[256];
  CandidateIndex candidates[kMaxCandidates];
};
static_assert(sizeof(DetectionMemory) <= $memory_bytes, "more than converters/to_micro.py has reckoned");

// What the outputs of the model say, in their order: $output_names.
// Returns how many were found, in memory.found, the best first. Time grows with the values of the maps, and with
// candidates times boxes.
int FindDetections(const OutputType* const maps[kOutputCount], DetectionMemory& memory);

}  // namespace tformer_model

#endif  // TFORMER_DETECTIONS_H_
