// $name: from the model's map to classes. Written by converters/to_micro.py; do not edit.
#include "class_map.h"

namespace tformer_model {
namespace {

// Holds a logit times both axes' parts, and every position.
using Whole = $whole_type;

// Pixel number X looks at begin + step * X, in parts of a cell, bounded to the cells.
struct Axis {
  Whole begin, step, parts, cells;
};

constexpr Axis kRows = {$row_begin, $row_step, $row_parts, kMapHeight};
constexpr Axis kColumns = {$column_begin, $column_step, $column_parts, kMapWidth};

// The cell before a pixel, the one behind it, and the parts from the first towards the second.
struct Place {
  Whole first, second, parts;
};

Place PlaceOf(const Axis& axis, int pixel) {
  const Whole last = (axis.cells - 1) * axis.parts;
  Whole position = axis.begin + axis.step * pixel;
  position = position < 0 ? 0 : position > last ? last : position;
  const Whole first = position / axis.parts;
  return {first, first + 1 < axis.cells ? first + 1 : first, position % axis.parts};
}

const OutputType* CellOf(const OutputType* map, Whole row, Whole column) {
  return map + static_cast<size_t>((row * kMapWidth + column) * kLabelCount);
}

}  // namespace

void ClassesOfCells(const OutputType* map, int row, ClassIndex* classes) {
  const OutputType* logits = map + static_cast<size_t>(row) * kMapWidth * kLabelCount;
  for (int column = 0; column < kMapWidth; ++column, logits += kLabelCount) {
    int best = 0;
    for (int label = 1; label < kLabelCount; ++label) {
      if (logits[label] > logits[best]) best = label;
    }
    classes[column] = static_cast<ClassIndex>(best);
  }
}

void ClassesOfPixels(const OutputType* map, int row, ClassIndex* classes) {
  const Place y = PlaceOf(kRows, row);
  for (int column = 0; column < kInputWidth; ++column) {
    const Place x = PlaceOf(kColumns, column);
    const OutputType* const cells[4] = {CellOf(map, y.first, x.first), CellOf(map, y.first, x.second),
                                        CellOf(map, y.second, x.first), CellOf(map, y.second, x.second)};
    int best = 0;
    Whole highest = 0;
    for (int label = 0; label < kLabelCount; ++label) {
      const Whole above = cells[0][label] * kColumns.parts + (cells[1][label] - cells[0][label]) * x.parts;
      const Whole below = cells[2][label] * kColumns.parts + (cells[3][label] - cells[2][label]) * x.parts;
      const Whole logit = above * kRows.parts + (below - above) * y.parts;
      if (label == 0 || logit > highest) {
        best = label;
        highest = logit;
      }
    }
    classes[column] = static_cast<ClassIndex>(best);
  }
}

}  // namespace tformer_model
