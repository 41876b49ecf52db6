#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#else
#include <unistd.h>
#endif

#include "../include/fk_platform.h"

#if defined(__linux__)

/* The lowest-numbered sibling of a processor's core, or the processor itself. */
static int first_sibling(int cpu) {
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    FILE *file = fopen(path, "r");
    if (!file) return cpu;
    int first = cpu;
    if (fscanf(file, "%d", &first) != 1) first = cpu;
    fclose(file);
    return first;
}

int fk_physical_cores(int *cores, int capacity) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 0;
    cpu_set_t seen;
    CPU_ZERO(&seen);
    int count = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed)) continue;
        int core = first_sibling(cpu);
        if (core >= 0 && core < CPU_SETSIZE) {
            if (CPU_ISSET(core, &seen)) continue;
            CPU_SET(core, &seen);
        }
        if (count < capacity) cores[count] = cpu;
        count++;
    }
    return count;
}

int fk_pin_thread(int cpu) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    return sched_setaffinity(0, sizeof only, &only);
}

int fk_unpin_thread(const int *cores, int count) {
    cpu_set_t all;
    CPU_ZERO(&all);
    for (int i = 0; i < count; i++) CPU_SET(cores[i], &all);
    return sched_setaffinity(0, sizeof all, &all);
}

int fk_current_cpu(void) { return sched_getcpu(); }

#else

int fk_current_cpu(void) { return -1; }

int fk_physical_cores(int *cores, int capacity) {
    int count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    for (int i = 0; i < count && i < capacity; i++) cores[i] = i;
    return count;
}

int fk_pin_thread(int cpu) {
    (void)cpu;
    return -1;
}

int fk_unpin_thread(const int *cores, int count) {
    (void)cores;
    (void)count;
    return -1;
}

#endif
