// $name: from the model's map to classes ("Of a segmenter" in docs/contract.md of tformer-keras), to the last bit.
// Written by converters/to_micro.py; do not edit. Nothing here takes memory of its own: a row at a time is written.
#ifndef TFORMER_CLASS_MAP_H_
#define TFORMER_CLASS_MAP_H_

#include "model_contract.h"

namespace tformer_model {

// The model's one output: kLabelCount logits a cell, and a cell each $stride pixels of the input.
constexpr int kMapHeight = $map_height;
constexpr int kMapWidth = $map_width;

// An index of kLabels.
using ClassIndex = $class_type;

// The classes of a row of cells, kMapWidth of them: the highest logit, the lower class among equal ones.
void ClassesOfCells(const OutputType* map, int row, ClassIndex* classes);

// The classes of a row of the input's pixels, kInputWidth of them: the logits enlarged bilinearly, as whole numbers.
void ClassesOfPixels(const OutputType* map, int row, ClassIndex* classes);

}  // namespace tformer_model

#endif  // TFORMER_CLASS_MAP_H_
