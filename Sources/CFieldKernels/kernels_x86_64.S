// x86-64 kernels with mulx, adcx and adox. Written by Scripts/generate-field-kernels.py; change that, not this.

#if defined(__x86_64__) && defined(__ELF__)
    .intel_syntax noprefix
    .text

    // [rdi] = a * b / 2^256 mod p
    .globl afk_montgomery_multiply4_adx
    .type afk_montgomery_multiply4_adx, @function
    .p2align 5
afk_montgomery_multiply4_adx:
    endbr64
    push rbx
    push rbp
    push r12
    push r13
    mov r9, rdx
    mov rdx, [r9 + 0]
    mulx r11, r10, [rsi]
    mulx r12, rax, [rsi + 8]
    add r11, rax
    mulx r13, rax, [rsi + 16]
    adc r12, rax
    mulx rbx, rax, [rsi + 24]
    adc r13, rax
    adc rbx, 0
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    mov eax, 0
    adcx r13, rax
    adox r13, rbx
    mov rdx, [r9 + 8]
    xor eax, eax
    mulx rbx, rax, [rsi + 0]
    adox r10, rax
    adcx r11, rbx
    mulx rbx, rax, [rsi + 8]
    adox r11, rax
    adcx r12, rbx
    mulx rbx, rax, [rsi + 16]
    adox r12, rax
    adcx r13, rbx
    mulx rbx, rax, [rsi + 24]
    adox r13, rax
    mov eax, 0
    adcx rbx, rax
    adox rbx, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    mov eax, 0
    adcx r13, rax
    adox r13, rbx
    mov rdx, [r9 + 16]
    xor eax, eax
    mulx rbx, rax, [rsi + 0]
    adox r10, rax
    adcx r11, rbx
    mulx rbx, rax, [rsi + 8]
    adox r11, rax
    adcx r12, rbx
    mulx rbx, rax, [rsi + 16]
    adox r12, rax
    adcx r13, rbx
    mulx rbx, rax, [rsi + 24]
    adox r13, rax
    mov eax, 0
    adcx rbx, rax
    adox rbx, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    mov eax, 0
    adcx r13, rax
    adox r13, rbx
    mov rdx, [r9 + 24]
    xor eax, eax
    mulx rbx, rax, [rsi + 0]
    adox r10, rax
    adcx r11, rbx
    mulx rbx, rax, [rsi + 8]
    adox r11, rax
    adcx r12, rbx
    mulx rbx, rax, [rsi + 16]
    adox r12, rax
    adcx r13, rbx
    mulx rbx, rax, [rsi + 24]
    adox r13, rax
    mov eax, 0
    adcx rbx, rax
    adox rbx, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    mov eax, 0
    adcx r13, rax
    adox r13, rbx
    mov rax, r10
    mov rbx, r11
    mov rbp, r12
    mov rsi, r13
    sub r10, [rcx + 0]
    sbb r11, [rcx + 8]
    sbb r12, [rcx + 16]
    sbb r13, [rcx + 24]
    cmovc r10, rax
    cmovc r11, rbx
    cmovc r12, rbp
    cmovc r13, rsi
    mov [rdi + 0], r10
    mov [rdi + 8], r11
    mov [rdi + 16], r12
    mov [rdi + 24], r13
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret
    .size afk_montgomery_multiply4_adx, .-afk_montgomery_multiply4_adx

    // [rdi] = a * b, 8 words
    .globl afk_wide_multiply4_adx
    .type afk_wide_multiply4_adx, @function
    .p2align 5
afk_wide_multiply4_adx:
    endbr64
    push rbx
    push r12
    push r13
    mov r9, rdx
    mov rdx, [r9 + 0]
    mulx r11, r10, [rsi]
    mulx r12, rax, [rsi + 8]
    add r11, rax
    mulx r13, rax, [rsi + 16]
    adc r12, rax
    mulx rbx, rax, [rsi + 24]
    adc r13, rax
    adc rbx, 0
    mov [rdi + 0], r10
    mov rdx, [r9 + 8]
    xor eax, eax
    mulx r10, rax, [rsi + 0]
    adox r11, rax
    adcx r12, r10
    mulx r10, rax, [rsi + 8]
    adox r12, rax
    adcx r13, r10
    mulx r10, rax, [rsi + 16]
    adox r13, rax
    adcx rbx, r10
    mulx r10, rax, [rsi + 24]
    adox rbx, rax
    mov eax, 0
    adcx r10, rax
    adox r10, rax
    mov [rdi + 8], r11
    mov rdx, [r9 + 16]
    xor eax, eax
    mulx r11, rax, [rsi + 0]
    adox r12, rax
    adcx r13, r11
    mulx r11, rax, [rsi + 8]
    adox r13, rax
    adcx rbx, r11
    mulx r11, rax, [rsi + 16]
    adox rbx, rax
    adcx r10, r11
    mulx r11, rax, [rsi + 24]
    adox r10, rax
    mov eax, 0
    adcx r11, rax
    adox r11, rax
    mov [rdi + 16], r12
    mov rdx, [r9 + 24]
    xor eax, eax
    mulx r12, rax, [rsi + 0]
    adox r13, rax
    adcx rbx, r12
    mulx r12, rax, [rsi + 8]
    adox rbx, rax
    adcx r10, r12
    mulx r12, rax, [rsi + 16]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rsi + 24]
    adox r11, rax
    mov eax, 0
    adcx r12, rax
    adox r12, rax
    mov [rdi + 24], r13
    mov [rdi + 32], rbx
    mov [rdi + 40], r10
    mov [rdi + 48], r11
    mov [rdi + 56], r12
    pop r13
    pop r12
    pop rbx
    ret
    .size afk_wide_multiply4_adx, .-afk_wide_multiply4_adx

    // [rdi] = [rsi] / 2^256 mod p for a 8-word value below p * 2^256; rdx = p, rcx = -1/p
    .globl afk_reduce4_adx
    .type afk_reduce4_adx, @function
    .p2align 5
afk_reduce4_adx:
    endbr64
    push rbx
    push rbp
    push r12
    push r13
    mov r8, rcx
    mov rcx, rdx
    mov r10, [rsi + 0]
    mov r11, [rsi + 8]
    mov r12, [rsi + 16]
    mov r13, [rsi + 24]
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    mov eax, 0
    adcx r13, rax
    adox r13, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    mov eax, 0
    adcx r13, rax
    adox r13, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    mov eax, 0
    adcx r13, rax
    adox r13, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    mov eax, 0
    adcx r13, rax
    adox r13, rax
    add r10, [rsi + 32]
    adc r11, [rsi + 40]
    adc r12, [rsi + 48]
    adc r13, [rsi + 56]
    mov rax, r10
    mov rbx, r11
    mov rbp, r12
    mov rsi, r13
    sub r10, [rcx + 0]
    sbb r11, [rcx + 8]
    sbb r12, [rcx + 16]
    sbb r13, [rcx + 24]
    cmovc r10, rax
    cmovc r11, rbx
    cmovc r12, rbp
    cmovc r13, rsi
    mov [rdi + 0], r10
    mov [rdi + 8], r11
    mov [rdi + 16], r12
    mov [rdi + 24], r13
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret
    .size afk_reduce4_adx, .-afk_reduce4_adx

    // [rdi] = a * b / 2^384 mod p
    .globl afk_montgomery_multiply6_adx
    .type afk_montgomery_multiply6_adx, @function
    .p2align 5
afk_montgomery_multiply6_adx:
    endbr64
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    mov r9, rdx
    mov rdx, [r9 + 0]
    mulx r11, r10, [rsi]
    mulx r12, rax, [rsi + 8]
    add r11, rax
    mulx r13, rax, [rsi + 16]
    adc r12, rax
    mulx r14, rax, [rsi + 24]
    adc r13, rax
    mulx r15, rax, [rsi + 32]
    adc r14, rax
    mulx rbx, rax, [rsi + 40]
    adc r15, rax
    adc rbx, 0
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    adcx r13, r14
    mulx r14, rax, [rcx + 32]
    adox r13, rax
    adcx r14, r15
    mulx r15, rax, [rcx + 40]
    adox r14, rax
    mov eax, 0
    adcx r15, rax
    adox r15, rbx
    mov rdx, [r9 + 8]
    xor eax, eax
    mulx rbx, rax, [rsi + 0]
    adox r10, rax
    adcx r11, rbx
    mulx rbx, rax, [rsi + 8]
    adox r11, rax
    adcx r12, rbx
    mulx rbx, rax, [rsi + 16]
    adox r12, rax
    adcx r13, rbx
    mulx rbx, rax, [rsi + 24]
    adox r13, rax
    adcx r14, rbx
    mulx rbx, rax, [rsi + 32]
    adox r14, rax
    adcx r15, rbx
    mulx rbx, rax, [rsi + 40]
    adox r15, rax
    mov eax, 0
    adcx rbx, rax
    adox rbx, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    adcx r13, r14
    mulx r14, rax, [rcx + 32]
    adox r13, rax
    adcx r14, r15
    mulx r15, rax, [rcx + 40]
    adox r14, rax
    mov eax, 0
    adcx r15, rax
    adox r15, rbx
    mov rdx, [r9 + 16]
    xor eax, eax
    mulx rbx, rax, [rsi + 0]
    adox r10, rax
    adcx r11, rbx
    mulx rbx, rax, [rsi + 8]
    adox r11, rax
    adcx r12, rbx
    mulx rbx, rax, [rsi + 16]
    adox r12, rax
    adcx r13, rbx
    mulx rbx, rax, [rsi + 24]
    adox r13, rax
    adcx r14, rbx
    mulx rbx, rax, [rsi + 32]
    adox r14, rax
    adcx r15, rbx
    mulx rbx, rax, [rsi + 40]
    adox r15, rax
    mov eax, 0
    adcx rbx, rax
    adox rbx, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    adcx r13, r14
    mulx r14, rax, [rcx + 32]
    adox r13, rax
    adcx r14, r15
    mulx r15, rax, [rcx + 40]
    adox r14, rax
    mov eax, 0
    adcx r15, rax
    adox r15, rbx
    mov rdx, [r9 + 24]
    xor eax, eax
    mulx rbx, rax, [rsi + 0]
    adox r10, rax
    adcx r11, rbx
    mulx rbx, rax, [rsi + 8]
    adox r11, rax
    adcx r12, rbx
    mulx rbx, rax, [rsi + 16]
    adox r12, rax
    adcx r13, rbx
    mulx rbx, rax, [rsi + 24]
    adox r13, rax
    adcx r14, rbx
    mulx rbx, rax, [rsi + 32]
    adox r14, rax
    adcx r15, rbx
    mulx rbx, rax, [rsi + 40]
    adox r15, rax
    mov eax, 0
    adcx rbx, rax
    adox rbx, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    adcx r13, r14
    mulx r14, rax, [rcx + 32]
    adox r13, rax
    adcx r14, r15
    mulx r15, rax, [rcx + 40]
    adox r14, rax
    mov eax, 0
    adcx r15, rax
    adox r15, rbx
    mov rdx, [r9 + 32]
    xor eax, eax
    mulx rbx, rax, [rsi + 0]
    adox r10, rax
    adcx r11, rbx
    mulx rbx, rax, [rsi + 8]
    adox r11, rax
    adcx r12, rbx
    mulx rbx, rax, [rsi + 16]
    adox r12, rax
    adcx r13, rbx
    mulx rbx, rax, [rsi + 24]
    adox r13, rax
    adcx r14, rbx
    mulx rbx, rax, [rsi + 32]
    adox r14, rax
    adcx r15, rbx
    mulx rbx, rax, [rsi + 40]
    adox r15, rax
    mov eax, 0
    adcx rbx, rax
    adox rbx, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    adcx r13, r14
    mulx r14, rax, [rcx + 32]
    adox r13, rax
    adcx r14, r15
    mulx r15, rax, [rcx + 40]
    adox r14, rax
    mov eax, 0
    adcx r15, rax
    adox r15, rbx
    mov rdx, [r9 + 40]
    xor eax, eax
    mulx rbx, rax, [rsi + 0]
    adox r10, rax
    adcx r11, rbx
    mulx rbx, rax, [rsi + 8]
    adox r11, rax
    adcx r12, rbx
    mulx rbx, rax, [rsi + 16]
    adox r12, rax
    adcx r13, rbx
    mulx rbx, rax, [rsi + 24]
    adox r13, rax
    adcx r14, rbx
    mulx rbx, rax, [rsi + 32]
    adox r14, rax
    adcx r15, rbx
    mulx rbx, rax, [rsi + 40]
    adox r15, rax
    mov eax, 0
    adcx rbx, rax
    adox rbx, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    adcx r13, r14
    mulx r14, rax, [rcx + 32]
    adox r13, rax
    adcx r14, r15
    mulx r15, rax, [rcx + 40]
    adox r14, rax
    mov eax, 0
    adcx r15, rax
    adox r15, rbx
    mov rax, r10
    mov rbx, r11
    mov rbp, r12
    mov rsi, r13
    mov r9, r14
    mov rdx, r15
    sub r10, [rcx + 0]
    sbb r11, [rcx + 8]
    sbb r12, [rcx + 16]
    sbb r13, [rcx + 24]
    sbb r14, [rcx + 32]
    sbb r15, [rcx + 40]
    cmovc r10, rax
    cmovc r11, rbx
    cmovc r12, rbp
    cmovc r13, rsi
    cmovc r14, r9
    cmovc r15, rdx
    mov [rdi + 0], r10
    mov [rdi + 8], r11
    mov [rdi + 16], r12
    mov [rdi + 24], r13
    mov [rdi + 32], r14
    mov [rdi + 40], r15
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret
    .size afk_montgomery_multiply6_adx, .-afk_montgomery_multiply6_adx

    // [rdi] = a * b, 12 words
    .globl afk_wide_multiply6_adx
    .type afk_wide_multiply6_adx, @function
    .p2align 5
afk_wide_multiply6_adx:
    endbr64
    push rbx
    push r12
    push r13
    push r14
    push r15
    mov r9, rdx
    mov rdx, [r9 + 0]
    mulx r11, r10, [rsi]
    mulx r12, rax, [rsi + 8]
    add r11, rax
    mulx r13, rax, [rsi + 16]
    adc r12, rax
    mulx r14, rax, [rsi + 24]
    adc r13, rax
    mulx r15, rax, [rsi + 32]
    adc r14, rax
    mulx rbx, rax, [rsi + 40]
    adc r15, rax
    adc rbx, 0
    mov [rdi + 0], r10
    mov rdx, [r9 + 8]
    xor eax, eax
    mulx r10, rax, [rsi + 0]
    adox r11, rax
    adcx r12, r10
    mulx r10, rax, [rsi + 8]
    adox r12, rax
    adcx r13, r10
    mulx r10, rax, [rsi + 16]
    adox r13, rax
    adcx r14, r10
    mulx r10, rax, [rsi + 24]
    adox r14, rax
    adcx r15, r10
    mulx r10, rax, [rsi + 32]
    adox r15, rax
    adcx rbx, r10
    mulx r10, rax, [rsi + 40]
    adox rbx, rax
    mov eax, 0
    adcx r10, rax
    adox r10, rax
    mov [rdi + 8], r11
    mov rdx, [r9 + 16]
    xor eax, eax
    mulx r11, rax, [rsi + 0]
    adox r12, rax
    adcx r13, r11
    mulx r11, rax, [rsi + 8]
    adox r13, rax
    adcx r14, r11
    mulx r11, rax, [rsi + 16]
    adox r14, rax
    adcx r15, r11
    mulx r11, rax, [rsi + 24]
    adox r15, rax
    adcx rbx, r11
    mulx r11, rax, [rsi + 32]
    adox rbx, rax
    adcx r10, r11
    mulx r11, rax, [rsi + 40]
    adox r10, rax
    mov eax, 0
    adcx r11, rax
    adox r11, rax
    mov [rdi + 16], r12
    mov rdx, [r9 + 24]
    xor eax, eax
    mulx r12, rax, [rsi + 0]
    adox r13, rax
    adcx r14, r12
    mulx r12, rax, [rsi + 8]
    adox r14, rax
    adcx r15, r12
    mulx r12, rax, [rsi + 16]
    adox r15, rax
    adcx rbx, r12
    mulx r12, rax, [rsi + 24]
    adox rbx, rax
    adcx r10, r12
    mulx r12, rax, [rsi + 32]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rsi + 40]
    adox r11, rax
    mov eax, 0
    adcx r12, rax
    adox r12, rax
    mov [rdi + 24], r13
    mov rdx, [r9 + 32]
    xor eax, eax
    mulx r13, rax, [rsi + 0]
    adox r14, rax
    adcx r15, r13
    mulx r13, rax, [rsi + 8]
    adox r15, rax
    adcx rbx, r13
    mulx r13, rax, [rsi + 16]
    adox rbx, rax
    adcx r10, r13
    mulx r13, rax, [rsi + 24]
    adox r10, rax
    adcx r11, r13
    mulx r13, rax, [rsi + 32]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rsi + 40]
    adox r12, rax
    mov eax, 0
    adcx r13, rax
    adox r13, rax
    mov [rdi + 32], r14
    mov rdx, [r9 + 40]
    xor eax, eax
    mulx r14, rax, [rsi + 0]
    adox r15, rax
    adcx rbx, r14
    mulx r14, rax, [rsi + 8]
    adox rbx, rax
    adcx r10, r14
    mulx r14, rax, [rsi + 16]
    adox r10, rax
    adcx r11, r14
    mulx r14, rax, [rsi + 24]
    adox r11, rax
    adcx r12, r14
    mulx r14, rax, [rsi + 32]
    adox r12, rax
    adcx r13, r14
    mulx r14, rax, [rsi + 40]
    adox r13, rax
    mov eax, 0
    adcx r14, rax
    adox r14, rax
    mov [rdi + 40], r15
    mov [rdi + 48], rbx
    mov [rdi + 56], r10
    mov [rdi + 64], r11
    mov [rdi + 72], r12
    mov [rdi + 80], r13
    mov [rdi + 88], r14
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    ret
    .size afk_wide_multiply6_adx, .-afk_wide_multiply6_adx

    // [rdi] = [rsi] / 2^384 mod p for a 12-word value below p * 2^384; rdx = p, rcx = -1/p
    .globl afk_reduce6_adx
    .type afk_reduce6_adx, @function
    .p2align 5
afk_reduce6_adx:
    endbr64
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    mov r8, rcx
    mov rcx, rdx
    mov r10, [rsi + 0]
    mov r11, [rsi + 8]
    mov r12, [rsi + 16]
    mov r13, [rsi + 24]
    mov r14, [rsi + 32]
    mov r15, [rsi + 40]
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    adcx r13, r14
    mulx r14, rax, [rcx + 32]
    adox r13, rax
    adcx r14, r15
    mulx r15, rax, [rcx + 40]
    adox r14, rax
    mov eax, 0
    adcx r15, rax
    adox r15, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    adcx r13, r14
    mulx r14, rax, [rcx + 32]
    adox r13, rax
    adcx r14, r15
    mulx r15, rax, [rcx + 40]
    adox r14, rax
    mov eax, 0
    adcx r15, rax
    adox r15, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    adcx r13, r14
    mulx r14, rax, [rcx + 32]
    adox r13, rax
    adcx r14, r15
    mulx r15, rax, [rcx + 40]
    adox r14, rax
    mov eax, 0
    adcx r15, rax
    adox r15, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    adcx r13, r14
    mulx r14, rax, [rcx + 32]
    adox r13, rax
    adcx r14, r15
    mulx r15, rax, [rcx + 40]
    adox r14, rax
    mov eax, 0
    adcx r15, rax
    adox r15, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    adcx r13, r14
    mulx r14, rax, [rcx + 32]
    adox r13, rax
    adcx r14, r15
    mulx r15, rax, [rcx + 40]
    adox r14, rax
    mov eax, 0
    adcx r15, rax
    adox r15, rax
    mov rdx, r10
    imul rdx, r8
    xor eax, eax
    mulx rbp, rax, [rcx]
    adcx rax, r10
    mov r10, rbp
    adcx r10, r11
    mulx r11, rax, [rcx + 8]
    adox r10, rax
    adcx r11, r12
    mulx r12, rax, [rcx + 16]
    adox r11, rax
    adcx r12, r13
    mulx r13, rax, [rcx + 24]
    adox r12, rax
    adcx r13, r14
    mulx r14, rax, [rcx + 32]
    adox r13, rax
    adcx r14, r15
    mulx r15, rax, [rcx + 40]
    adox r14, rax
    mov eax, 0
    adcx r15, rax
    adox r15, rax
    add r10, [rsi + 48]
    adc r11, [rsi + 56]
    adc r12, [rsi + 64]
    adc r13, [rsi + 72]
    adc r14, [rsi + 80]
    adc r15, [rsi + 88]
    mov rax, r10
    mov rbx, r11
    mov rbp, r12
    mov rsi, r13
    mov r9, r14
    mov rdx, r15
    sub r10, [rcx + 0]
    sbb r11, [rcx + 8]
    sbb r12, [rcx + 16]
    sbb r13, [rcx + 24]
    sbb r14, [rcx + 32]
    sbb r15, [rcx + 40]
    cmovc r10, rax
    cmovc r11, rbx
    cmovc r12, rbp
    cmovc r13, rsi
    cmovc r14, r9
    cmovc r15, rdx
    mov [rdi + 0], r10
    mov [rdi + 8], r11
    mov [rdi + 16], r12
    mov [rdi + 24], r13
    mov [rdi + 32], r14
    mov [rdi + 40], r15
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret
    .size afk_reduce6_adx, .-afk_reduce6_adx

    .section .note.GNU-stack, "", @progbits
#endif
