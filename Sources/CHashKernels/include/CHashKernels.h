// Hash kernels: SHA-256 over several messages at once, the BLAKE3 compression over many chunks, Keccak-f[1600].
//
// No function allocates, keeps state or starts a thread. Each exists in a portable form and, on x86-64, in forms for
// instruction sets that are looked up once; the `_with` variants name the form, so that a test can run them all.
#ifndef ASSAY_CHASHKERNELS_H
#define ASSAY_CHASHKERNELS_H

#include <stddef.h>
#include <stdint.h>

// The forms of a kernel, weakest first.
enum {
    ASSAY_HASH_PORTABLE = 0,
    ASSAY_HASH_AVX2 = 1,
    ASSAY_HASH_AVX512 = 2,
    ASSAY_HASH_SHA_NI = 3,
};

// Whether this processor and operating system can run a form.
int assay_hash_supports(int form);

// SHA-256 (FIPS 180-4) of `count` messages of `length` bytes each; message i starts at `base + i * stride`.
// Writes 32 bytes per message to `digests`.
void assay_sha256_many(const uint8_t *base, size_t stride, size_t length, size_t count, uint8_t *digests);
// The same in the form ASSAY_HASH_PORTABLE or ASSAY_HASH_SHA_NI.
void assay_sha256_many_with(
    int form, const uint8_t *base, size_t stride, size_t length, size_t count, uint8_t *digests);

// Runs the SHA-256 compression over `count` blocks of 64 bytes; `state` is eight words in host order.
void assay_sha256_compress(uint32_t state[8], const uint8_t *blocks, size_t count);

// BLAKE3 domain flags (BLAKE3 specification, table 3).
enum {
    ASSAY_BLAKE3_CHUNK_START = 1,
    ASSAY_BLAKE3_CHUNK_END = 2,
    ASSAY_BLAKE3_PARENT = 4,
    ASSAY_BLAKE3_ROOT = 8,
    ASSAY_BLAKE3_KEYED_HASH = 16,
    ASSAY_BLAKE3_DERIVE_KEY_CONTEXT = 32,
    ASSAY_BLAKE3_DERIVE_KEY_MATERIAL = 64,
};

// One BLAKE3 compression: all sixteen output words for the block of `length` bytes, zero-padded to 64.
void assay_blake3_compress(
    const uint32_t chaining[8], const uint8_t block[64], uint8_t length, uint64_t counter, uint8_t flags,
    uint32_t output[16]);

// The chaining value of the perfect subtree over `chunks` chunks of 1024 bytes, a power of two up to 1024.
// `flags` are the mode's flags without chunk or parent bits. Never a root.
void assay_blake3_subtree(
    const uint8_t *input, size_t chunks, const uint32_t key[8], uint64_t counter, uint8_t flags, uint8_t chaining[32]);
// The same in the form ASSAY_HASH_PORTABLE, ASSAY_HASH_AVX2 or ASSAY_HASH_AVX512.
void assay_blake3_subtree_with(
    int form, const uint8_t *input, size_t chunks, const uint32_t key[8], uint64_t counter, uint8_t flags,
    uint8_t chaining[32]);

// The permutation Keccak-f[1600] (FIPS 202 §3) on 25 lanes in host order.
void assay_keccak_f1600(uint64_t lanes[25]);

#endif
