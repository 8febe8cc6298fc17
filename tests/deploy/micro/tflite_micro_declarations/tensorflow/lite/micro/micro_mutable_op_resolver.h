#ifndef DECLARATIONS_MICRO_MUTABLE_OP_RESOLVER_H_
#define DECLARATIONS_MICRO_MUTABLE_OP_RESOLVER_H_
#include "tensorflow/lite/c/common.h"
namespace tflite {
class MicroOpResolver {};
// The methods that our models need; a name that the real class lacks is found by tests/deploy/micro/test_firmware.py's table.
template <unsigned int kCount>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  TfLiteStatus AddAdd();
  TfLiteStatus AddConcatenation();
  TfLiteStatus AddConv2D();
  TfLiteStatus AddDepthwiseConv2D();
  TfLiteStatus AddFullyConnected();
  TfLiteStatus AddLogistic();
  TfLiteStatus AddMaxPool2D();
  TfLiteStatus AddMean();
  TfLiteStatus AddMul();
  TfLiteStatus AddReshape();
  TfLiteStatus AddResizeBilinear();
  TfLiteStatus AddResizeNearestNeighbor();
  TfLiteStatus AddSlice();
  TfLiteStatus AddSplitV();
};
}  // namespace tflite
#endif
