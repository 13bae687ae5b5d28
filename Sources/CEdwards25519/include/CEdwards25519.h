// The curve of Ed25519 (RFC 8032 §5.1), for checks of signatures: all that is computed here is public, and the time that it
// takes depends on it. Nothing here may ever see a secret scalar.
//
// A key that is used often gets a table of its multiples, so that a check is a sum of table entries: 128 additions and four
// doublings. No function allocates, keeps state or starts a thread.
#ifndef ASSAY_EDWARDS25519_H
#define ASSAY_EDWARDS25519_H

#include <stdint.h>

// The multiples 1 to 8 of 256^i P for i from 0 to 31.
typedef struct assay_edwards_table assay_edwards_table;

// How much memory a table takes, which the caller provides; entries fill two cache lines if it begins at one.
enum { assay_edwards_table_bytes = 32768, assay_edwards_table_alignment = 64 };

// Makes the table of the encoded point, or of its negative. As OpenSSL does, it takes y modulo p from any 255 bits, and the
// sign bit of x = 0 either way. Returns 0, with nothing written, when no point of the curve has this y.
int assay_edwards_table_make(assay_edwards_table *table, const uint8_t point[32], int is_negated);

// Writes the encoding of a P + b Q, where the tables are those of P and Q, and a and b are below 2^253.
void assay_edwards_combine(
    uint8_t encoded[32], const assay_edwards_table *p, const uint8_t a[32], const assay_edwards_table *q,
    const uint8_t b[32]);

// Whether a little-endian number is below the order L of the base point.
int assay_edwards_scalar_is_reduced(const uint8_t scalar[32]);

// A little-endian number of 64 bytes modulo L.
void assay_edwards_scalar_reduce(uint8_t scalar[32], const uint8_t wide[64]);

#endif
