/* What the parity tests share: memory with a fence, and marks in what may not be written. */
#ifndef MIXTRAL4J_PARITY_H
#define MIXTRAL4J_PARITY_H

#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "levels.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Compares attention at a level with the oracle; returns the number of comparisons, 0 at a difference. */
int attends(const struct m4j_level *level, const struct m4j_level *oracle);

/* The same for products with weights [k, columns], of a level that has them. */
int multiplies_kn(const struct m4j_level *level, const struct m4j_level *oracle);

/* Floats after every row of results, which keep this value. */
enum { GAP = 3 };
static const float UNTOUCHED = 1234567;

#define COUNT(ARRAY) ((int)(sizeof(ARRAY) / sizeof *(ARRAY)))

/* Memory that ends at a page that cannot be touched, but for what its alignment leaves over. */
struct fenced {
    void *map;
    size_t mapped;
    uint8_t *data;
};

static inline struct fenced fence(int64_t bytes, int64_t alignment) {
    int64_t page = sysconf(_SC_PAGESIZE), usable = (bytes / page + 1) * page;
    struct fenced it = {.mapped = (size_t)(usable + page)};
    it.map = mmap(NULL, it.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (it.map == MAP_FAILED || mprotect((uint8_t *)it.map + usable, (size_t)page, PROT_NONE)) {
        perror("memory");
        exit(2);
    }
    it.data = (uint8_t *)it.map + (usable - bytes) / alignment * alignment;
    return it;
}

static inline void release(struct fenced it) {
    munmap(it.map, it.mapped);
}

#endif
