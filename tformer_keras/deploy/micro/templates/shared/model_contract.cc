// $name: tables of the contract. Written by converters/to_micro.py; do not edit.
#include "model_contract.h"

namespace tformer_model {

${input_table}const char* const kLabels[kLabelCount] = {
$labels
};

}  // namespace tformer_model
