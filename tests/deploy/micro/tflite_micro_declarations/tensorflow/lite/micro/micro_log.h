#ifndef DECLARATIONS_MICRO_LOG_H_
#define DECLARATIONS_MICRO_LOG_H_
void MicroPrintf(const char* format, ...) __attribute__((format(printf, 1, 2)));
#endif
