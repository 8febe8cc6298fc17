// $name: what the model takes and gives (docs/contract.md of tformer-keras). Written by converters/to_micro.py.
#ifndef TFORMER_MODEL_CONTRACT_H_
#define TFORMER_MODEL_CONTRACT_H_

#include <stddef.h>
#include <stdint.h>

namespace tformer_model {

// The input tensor: $input_type, row by row, pixel by pixel, $channels.
using InputType = $input_c_type;
constexpr int kInputHeight = $input_height;
constexpr int kInputWidth = $input_width;
constexpr int kInputChannels = $input_channels;
constexpr size_t kInputValues = $input_values;
constexpr float kInputScale = $input_scale;
constexpr int kInputZeroPoint = $input_zero_point;

// What the model makes of 8-bit pixels:$grey the input is $input_rule, after resizing by the rule
// "$resize" with crop fraction $crop_fraction. $normalisation
$input_declaration

// The output tensors: $output_type maps, row by row, cell by cell. $answer_header says what they mean.
using OutputType = $output_c_type;
constexpr int kOutputCount = $output_count;
constexpr size_t kOutputSizes[kOutputCount] = {$output_sizes};
constexpr size_t kOutputValues = $output_values;
constexpr int kLabelCount = $label_count;
extern const char* const kLabels[kLabelCount];

// Measured in TFLite Micro's interpreter on a 64-bit machine: $arena_head bytes of activations and $arena_tail of
// structures, which take less where pointers have 32 bits. The margin is for the scratch memory of other kernels.
constexpr size_t kArenaMeasuredBytes = $arena_measured;
constexpr size_t kArenaMarginBytes = $arena_margin;
constexpr size_t kArenaBytes = $arena_bytes;

}  // namespace tformer_model

#endif  // TFORMER_MODEL_CONTRACT_H_
