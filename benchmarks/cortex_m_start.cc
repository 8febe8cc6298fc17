// What a Cortex-M core reads first: where its stack begins, and newlib's own start, which talks to QEMU by semihosting.
extern "C" {
void _start(void);
extern char stack_top;
}

__attribute__((section(".vectors"), used)) static const void* const vectors[16] = {
    &stack_top, reinterpret_cast<const void*>(&_start)};
