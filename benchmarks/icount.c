/* A plugin for user-mode QEMU that counts instructions between marks that the guest sets itself.
 *
 *   gcc -shared -fPIC -O2 -o icount.so icount.c
 *   qemu-aarch64 -plugin ./icount.so ...               writes "MARK n" to standard error at each mark: instructions so far
 *   qemu-aarch64 -plugin ./icount.so,threads=on ...    "MARK n n ...", one number for each thread, slower
 *
 * A mark is the system call getpgid(MARK), which fails without doing anything: a program in any language can make
 * it, and what runs before the first mark (Python's start, LiteRT's packing of weights) need not be repeated to be
 * subtracted. The count is taken whole blocks at a time, and a system call ends its block. At the end it writes "EXIT n":
 * a program for a microcontroller makes no system calls.
 *
 * Without threads=on the counter is plain, for one thread. With it each block has a counter for each thread, and blocks
 * around a YIELD instruction are left out: there a thread waits for others, as long as the emulator pleases.
 *
 * Debian ships no header for plugins, so the functions used are declared here, as QEMU 7.2 (plugin interface 1) has
 * them.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK 0x1c0717          /* no process has this number: Linux ends at 0x400000, and few machines get there */
#define AARCH64_GETPGID 155
#define AARCH64_YIELD 0xd503203fu
#define NEAR_YIELD 32          /* bytes before and behind it: pthreadpool's loop is six instructions */
#define MOST_YIELDS 256
#define MOST_THREADS 16        /* further ones share the last counter */
#define INLINE_ADD_U64 0
#define NO_REGISTERS 0

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef void (*on_block)(plugin_id, struct qemu_plugin_tb *);
typedef void (*on_execution)(unsigned cpu, void *);
typedef void (*on_syscall)(plugin_id, unsigned cpu, int64_t number, uint64_t, uint64_t, uint64_t, uint64_t,
                           uint64_t, uint64_t, uint64_t, uint64_t);

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, on_block);
extern void qemu_plugin_register_vcpu_syscall_cb(plugin_id, on_syscall);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int operation, void *, uint64_t);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, on_execution, int registers, void *);

int qemu_plugin_version = 1;

struct block {
    struct block *next;
    uint64_t from, until;      /* guest addresses */
    uint64_t times[MOST_THREADS];
};

static uint64_t executed;
static bool by_threads;
static struct block *blocks;   /* QEMU translates one block at a time */
static uint64_t yields[MOST_YIELDS];
static size_t known_yields;

static void count_block(unsigned cpu, void *data) {
    struct block *block = data;
    block->times[cpu < MOST_THREADS ? cpu : MOST_THREADS - 1]++;
}

static void translate(plugin_id id, struct qemu_plugin_tb *tb) {
    (void)id;
    size_t instructions = qemu_plugin_tb_n_insns(tb);
    if (!by_threads) {
        qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &executed, instructions);
        return;
    }
    struct block *block = calloc(1, sizeof *block);
    if (!block) {
        fprintf(stderr, "icount: out of memory\n");
        abort();
    }
    block->from = qemu_plugin_tb_vaddr(tb);
    block->until = block->from + 4 * instructions;
    for (size_t index = 0; index < instructions; index++) {
        uint32_t word;
        memcpy(&word, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(tb, index)), sizeof word);
        if (word == AARCH64_YIELD && known_yields < MOST_YIELDS) {
            yields[known_yields++] = block->from + 4 * index;
        }
    }
    block->next = blocks;
    blocks = block;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, count_block, NO_REGISTERS, block);
}

static bool waits(const struct block *block) {
    for (size_t index = 0; index < known_yields; index++) {
        if (block->from < yields[index] + NEAR_YIELD && yields[index] < block->until + NEAR_YIELD) {
            return true;
        }
    }
    return false;
}

static void write_threads(void) {
    uint64_t counts[MOST_THREADS] = {0};
    for (const struct block *block = blocks; block; block = block->next) {
        if (waits(block)) {
            continue;
        }
        for (size_t thread = 0; thread < MOST_THREADS; thread++) {
            counts[thread] += block->times[thread] * ((block->until - block->from) / 4);
        }
    }
    fprintf(stderr, "MARK");
    for (size_t thread = 0; thread < MOST_THREADS; thread++) {
        fprintf(stderr, " %" PRIu64, counts[thread]);
    }
    fprintf(stderr, "\n");
}

static void mark(plugin_id id, unsigned cpu, int64_t number, uint64_t first, uint64_t a2, uint64_t a3, uint64_t a4,
                 uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
    (void)id, (void)cpu, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number != AARCH64_GETPGID || first != MARK) {
        return;
    }
    if (by_threads) {
        write_threads();
    } else {
        fprintf(stderr, "MARK %" PRIu64 "\n", executed);
    }
}

__attribute__((destructor)) static void end(void) {
    if (!by_threads) {
        fprintf(stderr, "EXIT %" PRIu64 "\n", executed);
    }
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
    (void)info;
    for (int index = 0; index < argc; index++) {
        if (strcmp(argv[index], "threads=on") != 0) {
            fprintf(stderr, "icount: expected threads=on, received %s\n", argv[index]);
            return -1;
        }
        by_threads = true;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_vcpu_syscall_cb(id, mark);
    return 0;
}
