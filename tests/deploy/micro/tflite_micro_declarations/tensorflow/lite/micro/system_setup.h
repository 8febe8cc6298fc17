#ifndef DECLARATIONS_SYSTEM_SETUP_H_
#define DECLARATIONS_SYSTEM_SETUP_H_
namespace tflite {
void InitializeTarget();
}
#endif
