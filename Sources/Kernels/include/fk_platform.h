/* What Swift cannot say about the machine: pinning, pausing, guarded file mappings. */
#ifndef FK_PLATFORM_H
#define FK_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

/* Tells the processor that this thread spins. */
static inline void fk_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* The processors this process may run on, one of each physical core, lowest number
 * first. Writes at most `capacity` numbers and returns how many cores there are. */
int fk_physical_cores(int *cores, int capacity);

/* Binds the calling thread to one processor. Returns 0 on success; where the system
 * has no such call it returns -1 and the thread stays free. */
int fk_pin_thread(int cpu);

/* The processor that the calling thread runs on, -1 where the system does not say. */
int fk_current_cpu(void);

/* Lets the calling thread run on every processor of the given list again. */
int fk_unpin_thread(const int *cores, int count);

/* Maps `length` bytes of an open file, read only. NULL with errno set if refused.
 *
 * The mapping is guarded: when the file shrinks below a page that is read later, the
 * process does not die of SIGBUS; the page reads as zeros and
 * fk_mapping_is_damaged(address) answers 1 from then on. `slot` receives the guard's
 * number for fk_mapping_release, or -1 if all FK_MAPPING_SLOTS guards are taken (the
 * mapping then works unguarded). */
#define FK_MAPPING_SLOTS 4096
void *fk_mapping_create(int file, size_t length, int *slot);
void fk_mapping_release(void *address, size_t length, int slot);
int fk_mapping_is_damaged(int slot);

/* Reads a range of a mapping into memory, or at least begins to. */
void fk_mapping_populate(const void *address, size_t length);

/* Gives the physical pages of a range of a mapping back; they are read from the file
 * again when touched. */
void fk_mapping_forget(const void *address, size_t length);

/* Asks for huge pages under the whole pages of a range (no effect where there are none). */
void fk_prefer_huge_pages(void *address, size_t length);

#endif
