#!/usr/bin/env python3
"""Writes the x86-64 kernels and the field constants of Sources/CFieldKernels.

    Scripts/generate-field-kernels.py            write both files
    Scripts/generate-field-kernels.py --check    fail when a committed file differs from what would be written

Register plan of the assembly (System V ABI, Intel syntax): rdi result, rsi first factor, r9 second factor (arrives in
rdx, which mulx needs), rcx modulus, r8 -p^-1 mod 2^64, r10-r15 accumulator, rbx or rbp the word that leaves it, rax
scratch. mulx leaves the flags alone, so adcx and adox carry two independent chains through one row.

The Montgomery product is the word-by-word form without a carry word: it needs a modulus whose top word is below
2^63 - 1 and accepts factors up to twice the modulus when four times the modulus still fits.
"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent / "Sources" / "CFieldKernels"

FIELDS = [
    # name, limbs, modulus
    ("BN254_FP", 4, 0x30644E72E131A029B85045B68181585D97816A916871CA8D3C208C16D87CFD47),
    ("BN254_FR", 4, 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001),
    ("BLS12_381_FR", 4, 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001),
    ("P256_FP", 4, 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF),
    ("P256_FR", 4, 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551),
    ("SECP256K1_FP", 4, 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F),
    ("SECP256K1_FR", 4, 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141),
    (
        "BLS12_381_FP",
        6,
        0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB,
    ),
]

ACCUMULATOR = ["r10", "r11", "r12", "r13", "r14", "r15"]


class Assembly:
    def __init__(self):
        self.lines = []

    def __call__(self, text):
        self.lines.append("    " + text)

    def function(self, name, note):
        self.lines += ["", f"    // {note}", f"    .globl {name}", f"    .type {name}, @function", "    .p2align 5", f"{name}:"]
        self("endbr64")

    def end(self, name):
        self("ret")
        self.lines.append(f"    .size {name}, .-{name}")


def push(a, registers):
    for register in registers:
        a(f"push {register}")


def pop(a, registers):
    for register in reversed(registers):
        a(f"pop {register}")


def first_row(a, t, top, n):
    """(top, t) = a * rdx."""
    a(f"mulx {t[1] if n > 1 else top}, {t[0]}, [rsi]")
    for j in range(1, n):
        high = t[j + 1] if j + 1 < n else top
        a(f"mulx {high}, rax, [rsi + {8 * j}]")
        a(f"{'add' if j == 1 else 'adc'} {t[j]}, rax")
    a(f"adc {top}, 0")


def row(a, t, top, n):
    """(top, t) += a * rdx, where top is overwritten."""
    a("xor eax, eax")
    for j in range(n):
        a(f"mulx {top}, rax, [rsi + {8 * j}]")
        a(f"adox {t[j]}, rax")
        if j + 1 < n:
            a(f"adcx {t[j + 1]}, {top}")
    a("mov eax, 0")
    a(f"adcx {top}, rax")
    a(f"adox {top}, rax")


def reduce_word(a, t, top, n):
    """t = ((top, t) + m * p) / 2^64; without top the word that comes in is 0."""
    a(f"mov rdx, {t[0]}")
    a("imul rdx, r8")
    a("xor eax, eax")
    a("mulx rbp, rax, [rcx]")
    a(f"adcx rax, {t[0]}")
    a(f"mov {t[0]}, rbp")
    for j in range(1, n):
        a(f"adcx {t[j - 1]}, {t[j]}")
        a(f"mulx {t[j]}, rax, [rcx + {8 * j}]")
        a(f"adox {t[j - 1]}, rax")
    a("mov eax, 0")
    a(f"adcx {t[n - 1]}, rax")
    a(f"adox {t[n - 1]}, {top or 'rax'}")


def store_reduced(a, t, scratch, n):
    """[rdi] = t - p if that is not negative, else t."""
    for j in range(n):
        a(f"mov {scratch[j]}, {t[j]}")
    for j in range(n):
        a(f"{'sub' if j == 0 else 'sbb'} {t[j]}, [rcx + {8 * j}]")
    for j in range(n):
        a(f"cmovc {t[j]}, {scratch[j]}")
    for j in range(n):
        a(f"mov [rdi + {8 * j}], {t[j]}")


def montgomery(a, n):
    name = f"afk_montgomery_multiply{n}_adx"
    a.function(name, f"[rdi] = a * b / 2^{64 * n} mod p")
    t = ACCUMULATOR[:n]
    saved = ["rbx", "rbp"] + [r for r in t if r in ("r12", "r13", "r14", "r15")]
    push(a, saved)
    a("mov r9, rdx")
    for i in range(n):
        a(f"mov rdx, [r9 + {8 * i}]")
        if i == 0:
            first_row(a, t, "rbx", n)
        else:
            row(a, t, "rbx", n)
        reduce_word(a, t, "rbx", n)
    store_reduced(a, t, ["rax", "rbx", "rbp", "rsi", "r9", "rdx"], n)
    pop(a, saved)
    a.end(name)


def wide(a, n):
    name = f"afk_wide_multiply{n}_adx"
    a.function(name, f"[rdi] = a * b, {2 * n} words")
    t = ACCUMULATOR[:n]
    saved = ["rbx"] + [r for r in t if r in ("r12", "r13", "r14", "r15")]
    push(a, saved)
    a("mov r9, rdx")
    top = "rbx"
    for i in range(n):
        a(f"mov rdx, [r9 + {8 * i}]")
        if i == 0:
            first_row(a, t, top, n)
        else:
            row(a, t, top, n)
        a(f"mov [rdi + {8 * i}], {t[0]}")
        t, top = t[1:] + [top], t[0]
    for j in range(n):
        a(f"mov [rdi + {8 * (n + j)}], {t[j]}")
    pop(a, saved)
    a.end(name)


def redc(a, n):
    name = f"afk_reduce{n}_adx"
    a.function(name, f"[rdi] = [rsi] / 2^{64 * n} mod p for a {2 * n}-word value below p * 2^{64 * n}; rdx = p, rcx = -1/p")
    t = ACCUMULATOR[:n]
    saved = ["rbx", "rbp"] + [r for r in t if r in ("r12", "r13", "r14", "r15")]
    push(a, saved)
    a("mov r8, rcx")
    a("mov rcx, rdx")
    for j in range(n):
        a(f"mov {t[j]}, [rsi + {8 * j}]")
    for _ in range(n):
        reduce_word(a, t, None, n)
    for j in range(n):
        a(f"{'add' if j == 0 else 'adc'} {t[j]}, [rsi + {8 * (n + j)}]")
    store_reduced(a, t, ["rax", "rbx", "rbp", "rsi", "r9", "rdx"], n)
    pop(a, saved)
    a.end(name)


def assembly():
    a = Assembly()
    a.lines = [
        "// x86-64 kernels with mulx, adcx and adox. Written by Scripts/generate-field-kernels.py; change that, not this.",
        "",
        "#if defined(__x86_64__) && defined(__ELF__)",
        "    .intel_syntax noprefix",
        "    .text",
    ]
    for n in (4, 6):
        montgomery(a, n)
        wide(a, n)
        redc(a, n)
    a.lines += ["", '    .section .note.GNU-stack, "", @progbits', "#endif", ""]
    return "\n".join(a.lines)


def words(value, n):
    return ", ".join(f"0x{(value >> (64 * i)) & (2**64 - 1):016x}" for i in range(n))


def constants():
    out = [
        "// Field constants: modulus, -1/p mod 2^64, and R, R^2, R^3 mod p for R = 2^(64 limbs).",
        "// Written by Scripts/generate-field-kernels.py; change that, not this.",
        "#ifndef ASSAY_FIELD_CONSTANTS_H",
        "#define ASSAY_FIELD_CONSTANTS_H",
        "",
        "#include <stdint.h>",
        "",
    ]
    for n in (4, 6):
        fields = [f for f in FIELDS if f[1] == n]
        out += [f"enum {{"] + [f"    AFK_{name} = {i}," for i, (name, _, _) in enumerate(fields)] + ["};", ""]
        out += [
            "typedef struct {",
            f"    uint64_t modulus[{n}], negative_inverse, one[{n}], r2[{n}], r3[{n}];",
            "    /// 1 when the modulus fills its top word, which rules out the assembly.",
            "    int32_t is_full;",
            f"}} afk_field{n};",
            "",
            f"static const afk_field{n} afk_fields{n}[] = {{",
        ]
        for name, _, p in fields:
            r = 1 << (64 * n)
            out += [
                f"    // {name}",
                "    {",
                f"        {{{words(p, n)}}},",
                f"        0x{(-pow(p, -1, 2**64)) % 2**64:016x},",
                f"        {{{words(r % p, n)}}},",
                f"        {{{words(r * r % p, n)}}},",
                f"        {{{words(r * r * r % p, n)}}},",
                f"        {int(p >> (64 * n - 64) >= 2**63 - 1)},",
                "    },",
            ]
        out += ["};", ""]
    out += ["#endif", ""]
    return "\n".join(out)


def main():
    outputs = {ROOT / "kernels_x86_64.S": assembly(), ROOT / "include" / "field_constants.h": constants()}
    stale = [path for path, text in outputs.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.name}: differs from what the generator writes", file=sys.stderr)
        return 1 if stale else 0
    for path, text in outputs.items():
        path.write_text(text)
    return 0


sys.exit(main())
