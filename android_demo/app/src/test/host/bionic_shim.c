/* Stands in for Android's libc.so, libm.so, libdl.so and liblog.so, so that glibc can load the x86_64
 * libtensorflowlite_jni.so of TensorFlow Lite's Android archive: the tests run the very library that the APK ships.
 *
 * Nearly every function that the library asks of Android's libc exists in glibc under the same name and with the same
 * arguments. What is here is the rest: names that only Android has, and stdio functions, because Android's stdin, stdout and
 * stderr are places in an array, which glibc must not take for its own FILE. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Three streams of 152 bytes each: Android's sizeof(FILE) on 64-bit machines. */
enum { STREAM_BYTES = 152 };
char __sF[3 * STREAM_BYTES];

static FILE *host_stream(FILE *stream) {
    const char *place = (const char *)stream;
    if (place < __sF || place >= __sF + sizeof __sF) return stream;
    switch ((place - __sF) / STREAM_BYTES) {
        case 0: return stdin;
        case 1: return stdout;
        default: return stderr;
    }
}

/* glibc's own function of the name that is defined here. */
#define HOST(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int vfprintf(FILE *stream, const char *format, va_list arguments) {
    return HOST(vfprintf)(host_stream(stream), format, arguments);
}

int fprintf(FILE *stream, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int written = vfprintf(stream, format, arguments);
    va_end(arguments);
    return written;
}

int fputc(int character, FILE *stream) { return HOST(fputc)(character, host_stream(stream)); }
int fputs(const char *text, FILE *stream) { return HOST(fputs)(text, host_stream(stream)); }
int fflush(FILE *stream) { return HOST(fflush)(stream ? host_stream(stream) : NULL); }
int fileno(FILE *stream) { return HOST(fileno)(host_stream(stream)); }
size_t fwrite(const void *data, size_t size, size_t count, FILE *stream) {
    return HOST(fwrite)(data, size, count, host_stream(stream));
}

/* Names that only Android has. */
int *__errno(void) { return __errno_location(); }

size_t __strlen_chk(const char *text, size_t bound) {
    (void)bound;
    return strlen(text);
}

int __system_property_get(const char *name, char *value) {
    (void)name;
    value[0] = 0;
    return 0;
}

void android_set_abort_message(const char *message) { fprintf(stderr, "abort: %s\n", message); }

int __android_log_vprint(int priority, const char *tag, const char *format, va_list arguments) {
    if (priority < 5) return 0; /* 5 is ANDROID_LOG_WARN; the interpreter is chatty below it. */
    fprintf(stderr, "%s: ", tag);
    int written = vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    return written;
}
