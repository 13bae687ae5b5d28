// The oracle for x86-64 processors with fused multiply-add.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("fma"))), apply_to = function)
#define ORACLE assay_exact_launch_fma
#include "oracle.inc"
#pragma clang attribute pop
#endif
