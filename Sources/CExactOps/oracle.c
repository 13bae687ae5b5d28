// The oracle for every processor, and the choice of the one for this.
#define ORACLE assay_exact_launch_portable
#include "oracle.inc"

#if defined(__x86_64__)
int assay_exact_launch_fma(
    const char *kernel, const assay_exact_argument *arguments, uint32_t count, uint64_t columns, uint64_t rows);
#endif

int assay_exact_launch(
    const char *kernel, const assay_exact_argument *arguments, uint32_t count, uint64_t columns, uint64_t rows) {
#if defined(__x86_64__)
    // Without the instruction every fma is a call into the C library.
    if (__builtin_cpu_supports("fma")) return assay_exact_launch_fma(kernel, arguments, count, columns, rows);
#endif
    return assay_exact_launch_portable(kernel, arguments, count, columns, rows);
}
