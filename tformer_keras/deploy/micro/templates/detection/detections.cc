// $name: from the model's maps to boxes. Written by converters/to_micro.py; do not edit.
#include "detections.h"

#include <float.h>

#ifdef __FAST_MATH__
#error "detections.cc rounds each operation as it is written: compile it without -ffast-math"
#endif

namespace tformer_model {
namespace {

static_assert(sizeof(double) == 8 && DBL_MANT_DIG == 53, "expected IEEE float64 for double");
static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 1,
              "expected doubles that are rounded after each operation: on 32-bit x86 compile with -msse2 -mfpmath=sse");

constexpr int kLevelCount = kOutputCount / 2;
constexpr uint32_t kAnchorCount = $anchor_count;
constexpr int kLowest = $lowest;

struct Level {
  uint32_t height, width;  // cells of the two maps
  double stride;           // pixels of the input between two cells
  int32_t least;           // of the logits: the first whose score exceeds kScoreThreshold
  double logit_scale;
  int32_t logit_zero_point;
  double delta_scale;
  int32_t delta_zero_point;
  uint32_t first, most;  // candidates: where they begin in memory, and how many they may be
};

constexpr Level kLevels[kLevelCount] = {
$levels
};

// Width and height of the anchors in pixels of the input.
constexpr double kAnchors[kLevelCount][kAnchorCount][2] = {
$anchors
};

// What an anchor's width or height is multiplied by, for each value of dw or dh.
constexpr double kSizeFactors[kLevelCount][256] = {
$size_factors
};

// The score of each value of a logit.
constexpr float kScores[kLevelCount][256] = {
$scores
};

// Not inlined, as else compilers may fuse a product with the sum behind it, which rounds once instead of twice.
__attribute__((noinline)) double Product(double one, double other) { return one * other; }

double Least(double one, double other) { return other < one ? other : one; }

double Greatest(double one, double other) { return one < other ? other : one; }

double Real(OutputType value, int32_t zero_point, double scale) { return Product(value - zero_point, scale); }

// Writes the places of a level's candidates, the highest logit first, equal ones by place, and returns their number.
uint32_t FindCandidates(const Level& level, const OutputType* logits, uint32_t* counts, CandidateIndex* candidates) {
  const uint32_t size = level.height * level.width * kAnchorCount * kLabelCount;
  for (int value = 0; value < 256; ++value) counts[value] = 0;
  for (uint32_t i = 0; i < size; ++i) {
    if (logits[i] >= level.least) ++counts[logits[i] - kLowest];
  }
  // From here on the place of the next candidate of each value.
  uint32_t total = 0;
  for (int value = 255; value >= 0; --value) {
    const uint32_t count = counts[value];
    counts[value] = total;
    total += count;
  }
  for (uint32_t i = 0; i < size; ++i) {
    if (logits[i] < level.least) continue;
    const uint32_t place = counts[logits[i] - kLowest]++;
    if (place < level.most) candidates[place] = static_cast<CandidateIndex>(i);
  }
  return total < level.most ? total : level.most;
}

// The box of a candidate, clipped to the input. Returns whether anything of it is left.
bool Decode(int number, uint32_t index, const OutputType* all_deltas, Detection& box) {
  const Level& level = kLevels[number];
  const uint32_t place = index / kLabelCount, cell = place / kAnchorCount;
  const double* anchor = kAnchors[number][place % kAnchorCount];
  const OutputType* deltas = all_deltas + 4 * place;
  const double x = Product(cell % level.width + 0.5, level.stride) +
                   Product(Real(deltas[0], level.delta_zero_point, level.delta_scale), anchor[0]);
  const double y = Product(cell / level.width + 0.5, level.stride) +
                   Product(Real(deltas[1], level.delta_zero_point, level.delta_scale), anchor[1]);
  const double half_width = Product(Product(anchor[0], kSizeFactors[number][deltas[2] - kLowest]), 0.5);
  const double half_height = Product(Product(anchor[1], kSizeFactors[number][deltas[3] - kLowest]), 0.5);
  box.left = Least(Greatest(x - half_width, 0.0), kInputWidth);
  box.top = Least(Greatest(y - half_height, 0.0), kInputHeight);
  box.right = Least(Greatest(x + half_width, 0.0), kInputWidth);
  box.bottom = Least(Greatest(y + half_height, 0.0), kInputHeight);
  box.label = static_cast<int32_t>(index % kLabelCount);
  return box.right > box.left && box.bottom > box.top;
}

double Area(const Detection& box) { return Product(box.right - box.left, box.bottom - box.top); }

bool Overlap(const Detection& one, const Detection& other) {
  const double width = Least(one.right, other.right) - Greatest(one.left, other.left);
  const double height = Least(one.bottom, other.bottom) - Greatest(one.top, other.top);
  if (!(width > 0.0 && height > 0.0)) return false;
  const double both = Product(width, height);
  return both > Product(kIouThreshold, (Area(one) + Area(other)) - both);
}

}  // namespace

int FindDetections(const OutputType* const maps[kOutputCount], DetectionMemory& memory) {
  uint32_t next[kLevelCount], end[kLevelCount];
  for (int level = 0; level < kLevelCount; ++level) {
    next[level] = kLevels[level].first;
    end[level] = next[level] + FindCandidates(kLevels[level], maps[2 * level], memory.counts,
                                              memory.candidates + kLevels[level].first);
  }
  int found = 0;
  while (found < kMaxBoxes) {
    // The highest logit among the first of each level, the finer level among equal ones.
    int best = -1;
    Detection& box = memory.found[found];
    for (int level = 0; level < kLevelCount; ++level) {
      if (next[level] == end[level]) continue;
      const OutputType value = maps[2 * level][memory.candidates[next[level]]];
      const double logit = Real(value, kLevels[level].logit_zero_point, kLevels[level].logit_scale);
      if (best >= 0 && !(logit > box.logit)) continue;
      best = level;
      box.logit = logit;
      box.score = kScores[level][value - kLowest];
    }
    if (best < 0) break;
    bool stays = Decode(best, memory.candidates[next[best]++], maps[2 * best + 1], box);
    for (int kept = 0; stays && kept < found; ++kept) {
      stays = memory.found[kept].label != box.label || !Overlap(memory.found[kept], box);
    }
    if (stays) ++found;
  }
  return found;
}

}  // namespace tformer_model
