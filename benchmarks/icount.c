/* A plugin for user-mode QEMU that counts instructions between marks that the guest sets itself.
 *
 *   gcc -shared -fPIC -O2 -o icount.so icount.c
 *   qemu-aarch64 -plugin ./icount.so ...      writes "MARK n" to standard error at each mark: instructions so far
 *
 * A mark is the system call getpgid(MARK), which fails without doing anything: a program in any language can make
 * it, and what runs before the first mark (Python's start, LiteRT's packing of weights) need not be repeated to be
 * subtracted. The count is taken whole blocks at a time, and a system call ends its block. At the end it writes "EXIT n":
 * a program for a microcontroller makes no system calls.
 *
 * Debian ships no header for plugins, so the functions used are declared here, as QEMU 7.2 (plugin interface 1) has
 * them. One thread only: the counter is plain.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define MARK 0x1c0717          /* no process has this number: Linux ends at 0x400000, and few machines get there */
#define AARCH64_GETPGID 155
#define INLINE_ADD_U64 0

typedef uint64_t plugin_id;
struct qemu_plugin_tb;

typedef void (*on_block)(plugin_id, struct qemu_plugin_tb *);
typedef void (*on_syscall)(plugin_id, unsigned cpu, int64_t number, uint64_t, uint64_t, uint64_t, uint64_t,
                           uint64_t, uint64_t, uint64_t, uint64_t);

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, on_block);
extern void qemu_plugin_register_vcpu_syscall_cb(plugin_id, on_syscall);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int operation, void *, uint64_t);

int qemu_plugin_version = 1;

static uint64_t executed;

static void translate(plugin_id id, struct qemu_plugin_tb *block) {
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, INLINE_ADD_U64, &executed, qemu_plugin_tb_n_insns(block));
}

static void mark(plugin_id id, unsigned cpu, int64_t number, uint64_t first, uint64_t a2, uint64_t a3, uint64_t a4,
                 uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
    (void)id, (void)cpu, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number == AARCH64_GETPGID && first == MARK) {
        fprintf(stderr, "MARK %" PRIu64 "\n", executed);
    }
}

__attribute__((destructor)) static void end(void) { fprintf(stderr, "EXIT %" PRIu64 "\n", executed); }

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
    (void)info, (void)argc, (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_vcpu_syscall_cb(id, mark);
    return 0;
}
