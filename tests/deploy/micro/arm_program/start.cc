// What a program without a C library needs beside its own sources.
#include "stdio.h"
int Main();
extern "C" void* memset(void* data, int value, size_t size) {
  for (volatile char* at = static_cast<char*>(data); size--; ++at) *at = static_cast<char>(value);
  return data;
}
extern "C" void* memcpy(void* to, const void* from, size_t size) {
  volatile char* at = static_cast<char*>(to);
  for (const char* read = static_cast<const char*>(from); size--;) *at++ = *read++;
  return to;
}
extern "C" void _start() {
  Main();
  Call(1, 0, 0, 0);
}
