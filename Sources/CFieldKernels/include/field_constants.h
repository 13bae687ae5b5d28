// Field constants: modulus, -1/p mod 2^64, and R, R^2, R^3 mod p for R = 2^(64 limbs).
// Written by Scripts/generate-field-kernels.py; change that, not this.
#ifndef ASSAY_FIELD_CONSTANTS_H
#define ASSAY_FIELD_CONSTANTS_H

#include <stdint.h>

enum {
    AFK_BN254_FP = 0,
    AFK_BN254_FR = 1,
    AFK_BLS12_381_FR = 2,
    AFK_P256_FP = 3,
    AFK_P256_FR = 4,
    AFK_SECP256K1_FP = 5,
    AFK_SECP256K1_FR = 6,
};

typedef struct {
    uint64_t modulus[4], negative_inverse, one[4], r2[4], r3[4];
    /// 1 when the modulus fills its top word, which rules out the assembly.
    int32_t is_full;
} afk_field4;

static const afk_field4 afk_fields4[] = {
    // BN254_FP
    {
        {0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029},
        0x87d20782e4866389,
        {0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f},
        {0xf32cfc5b538afa89, 0xb5e71911d44501fb, 0x47ab1eff0a417ff6, 0x06d89f71cab8351f},
        {0xb1cd6dafda1530df, 0x62f210e6a7283db6, 0xef7f0b0c0ada0afb, 0x20fd6e902d592544},
        0,
    },
    // BN254_FR
    {
        {0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029},
        0xc2e1f593efffffff,
        {0xac96341c4ffffffb, 0x36fc76959f60cd29, 0x666ea36f7879462e, 0x0e0a77c19a07df2f},
        {0x1bb8e645ae216da7, 0x53fe3ab1e35c59e3, 0x8c49833d53bb8085, 0x0216d0b17f4e44a5},
        {0x5e94d8e1b4bf0040, 0x2a489cbe1cfbb6b8, 0x893cc664a19fcfed, 0x0cf8594b7fcc657c},
        0,
    },
    // BLS12_381_FR
    {
        {0xffffffff00000001, 0x53bda402fffe5bfe, 0x3339d80809a1d805, 0x73eda753299d7d48},
        0xfffffffeffffffff,
        {0x00000001fffffffe, 0x5884b7fa00034802, 0x998c4fefecbc4ff5, 0x1824b159acc5056f},
        {0xc999e990f3f29c6d, 0x2b6cedcb87925c23, 0x05d314967254398f, 0x0748d9d99f59ff11},
        {0xc62c1807439b73af, 0x1b3e0d188cf06990, 0x73d13c71c7b5f418, 0x6e2a5bb9c8db33e9},
        0,
    },
    // P256_FP
    {
        {0xffffffffffffffff, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001},
        0x0000000000000001,
        {0x0000000000000001, 0xffffffff00000000, 0xffffffffffffffff, 0x00000000fffffffe},
        {0x0000000000000003, 0xfffffffbffffffff, 0xfffffffffffffffe, 0x00000004fffffffd},
        {0xfffffffd0000000a, 0xffffffedfffffff7, 0x00000005fffffffc, 0x0000001800000001},
        1,
    },
    // P256_FR
    {
        {0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000},
        0xccd1c8aaee00bc4f,
        {0x0c46353d039cdaaf, 0x4319055258e8617b, 0x0000000000000000, 0x00000000ffffffff},
        {0x83244c95be79eea2, 0x4699799c49bd6fa6, 0x2845b2392b6bec59, 0x66e12d94f3d95620},
        {0xac8ebec90b65a624, 0x111f28ae0c0555c9, 0x2543b9246ba5e93f, 0x503a54e76407be65},
        1,
    },
    // SECP256K1_FP
    {
        {0xfffffffefffffc2f, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff},
        0xd838091dd2253531,
        {0x00000001000003d1, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000},
        {0x000007a2000e90a1, 0x0000000000000001, 0x0000000000000000, 0x0000000000000000},
        {0x002bb1e33795f671, 0x0000000100000b73, 0x0000000000000000, 0x0000000000000000},
        1,
    },
    // SECP256K1_FR
    {
        {0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff},
        0x4b0dff665588b13f,
        {0x402da1732fc9bebf, 0x4551231950b75fc4, 0x0000000000000001, 0x0000000000000000},
        {0x896cf21467d7d140, 0x741496c20e7cf878, 0xe697f5e45bcd07c6, 0x9d671cd581c69bc5},
        {0x7bc0cfe0e9ff41ed, 0x0017648444d4322c, 0xb1b31347f1d0b2da, 0x555d800c18ef116d},
        1,
    },
};

enum {
    AFK_BLS12_381_FP = 0,
};

typedef struct {
    uint64_t modulus[6], negative_inverse, one[6], r2[6], r3[6];
    /// 1 when the modulus fills its top word, which rules out the assembly.
    int32_t is_full;
} afk_field6;

static const afk_field6 afk_fields6[] = {
    // BLS12_381_FP
    {
        {0xb9feffffffffaaab, 0x1eabfffeb153ffff, 0x6730d2a0f6b0f624, 0x64774b84f38512bf, 0x4b1ba7b6434bacd7, 0x1a0111ea397fe69a},
        0x89f3fffcfffcfffd,
        {0x760900000002fffd, 0xebf4000bc40c0002, 0x5f48985753c758ba, 0x77ce585370525745, 0x5c071a97a256ec6d, 0x15f65ec3fa80e493},
        {0xf4df1f341c341746, 0x0a76e6a609d104f1, 0x8de5476c4c95b6d5, 0x67eb88a9939d83c0, 0x9a793e85b519952d, 0x11988fe592cae3aa},
        {0xed48ac6bd94ca1e0, 0x315f831e03a7adf8, 0x9a53352a615e29dd, 0x34c04e5e921e1761, 0x2512d43565724728, 0x0aa6346091755d4d},
        0,
    },
};

#endif
