// $name: tables of the contract. Written by converters/to_micro.py; do not edit.
#include "model_contract.h"

namespace tformer_model {

const InputType kInputTable[kInputChannels][256] = {
$input_table
};

const char* const kLabels[kLabelCount] = {
$labels
};

}  // namespace tformer_model
