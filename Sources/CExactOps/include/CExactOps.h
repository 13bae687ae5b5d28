// The exact operations: their text for OpenCL programs, and the same text compiled as C, which is the oracle.
#ifndef ASSAY_EXACT_OPS_H
#define ASSAY_EXACT_OPS_H

#include <stddef.h>
#include <stdint.h>

/// One argument of a kernel: a pointer to elements, or a scalar by its bits.
typedef struct {
    void *pointer;
    uint64_t bits;
} assay_exact_argument;

/// Runs a kernel in its defining schedule over `columns` x `rows` work-items, one after another, on the calling thread.
///
/// Nothing about the arguments is checked but their number: the caller has checked every length.
/// Returns 0, or -1 for a name that is not a kernel's or another number of arguments.
int assay_exact_launch(
    const char *kernel, const assay_exact_argument *arguments, uint32_t count, uint64_t columns, uint64_t rows);

/// The text of one part of the library by its name: `functions`, `matmul`, `vector`, …; NULL for a name that is none.
/// *length* is set to its bytes.
const char *assay_exact_text(const char *part, size_t *length);

#endif
