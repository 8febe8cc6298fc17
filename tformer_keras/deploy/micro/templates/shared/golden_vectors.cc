// $name: golden vectors. Written by converters/to_micro.py; do not edit.
#include "golden_vectors.h"

namespace tformer_model {
namespace {

$golden_arrays

}  // namespace

const GoldenVector kGolden[kGoldenCount] = {
$golden_entries
};

}  // namespace tformer_model
