#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "../include/fk_platform.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

/* One guarded mapping. The handler reads only atomics: it may run at any time, on any
 * thread. A free guard has length 0. */
static struct guard {
    atomic_uintptr_t start;
    atomic_size_t length;
    atomic_int damaged;
} guards[FK_MAPPING_SLOTS];

static pthread_mutex_t guards_lock = PTHREAD_MUTEX_INITIALIZER;
static int handler_installed;
static struct sigaction previous;

/* A read past the end of a shrunken file raises SIGBUS. Where the address lies in a
 * guarded mapping, put a page of zeros under it, remember the damage and let the read
 * go on; anything else is passed to whoever handled the signal before. */
static void on_bus_error(int number, siginfo_t *info, void *context) {
    uintptr_t address = (uintptr_t)info->si_addr;
    for (int i = 0; i < FK_MAPPING_SLOTS; i++) {
        size_t length = atomic_load(&guards[i].length);
        uintptr_t start = atomic_load(&guards[i].start);
        if (length == 0 || address < start || address - start >= length) continue;
        uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
        void *page = (void *)(address & ~(page_size - 1));
        void *zeros = mmap(page, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (zeros == MAP_FAILED) break;
        atomic_store(&guards[i].damaged, 1);
        return;
    }
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(number, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(number);
    } else {
        signal(SIGBUS, SIG_DFL);
        raise(SIGBUS);
    }
}

void *fk_mapping_create(int file, size_t length, int *slot) {
    void *address = mmap(NULL, length, PROT_READ, MAP_PRIVATE, file, 0);
    if (address == MAP_FAILED) return NULL;
    *slot = -1;
    pthread_mutex_lock(&guards_lock);
    if (!handler_installed) {
        struct sigaction action = {0};
        action.sa_sigaction = on_bus_error;
        action.sa_flags = SA_SIGINFO;
        sigemptyset(&action.sa_mask);
        handler_installed = sigaction(SIGBUS, &action, &previous) == 0;
    }
    for (int i = 0; handler_installed && i < FK_MAPPING_SLOTS; i++) {
        if (atomic_load(&guards[i].length) != 0) continue;
        atomic_store(&guards[i].damaged, 0);
        atomic_store(&guards[i].start, (uintptr_t)address);
        atomic_store(&guards[i].length, length);
        *slot = i;
        break;
    }
    pthread_mutex_unlock(&guards_lock);
    return address;
}

void fk_mapping_release(void *address, size_t length, int slot) {
    munmap(address, length);
    if (slot >= 0) atomic_store(&guards[slot].length, 0);
}

int fk_mapping_is_damaged(int slot) {
    return slot >= 0 && atomic_load(&guards[slot].damaged);
}

void fk_mapping_forget(const void *address, size_t length) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = ((uintptr_t)address + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)address + length) & ~(page - 1);
    if (end > start) madvise((void *)start, end - start, MADV_DONTNEED);
}

void fk_mapping_populate(const void *address, size_t length) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = (uintptr_t)address & ~(page - 1);
    uintptr_t end = (uintptr_t)address + length;
#if defined(MADV_POPULATE_READ)
    if (madvise((void *)start, end - start, MADV_POPULATE_READ) == 0) return;
#endif
    madvise((void *)start, end - start, MADV_WILLNEED);
}

void fk_prefer_huge_pages(void *address, size_t length) {
#if defined(MADV_HUGEPAGE)
    uintptr_t page = 4096, begin = ((uintptr_t)address + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)address + length) & ~(page - 1);
    if (begin < end) madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#else
    (void)address;
    (void)length;
#endif
}
