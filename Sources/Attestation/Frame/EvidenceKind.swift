// The kinds of evidence, and the domains of trust that vouch for them.

/// A kind of attestation evidence.
public enum EvidenceKind: String, Sendable, CaseIterable, Hashable {
    /// Intel SGX quote (version 3, and 4 or 5 with an enclave body).
    case sgx
    /// Intel TDX quote (version 4 or 5 with a TD report body).
    case tdx
    /// AMD SEV-SNP attestation report.
    case sevSNP = "sev-snp"
    /// AWS Nitro enclave attestation document.
    case nitro
    /// Arm CCA token: platform and realm.
    case cca
    /// Arm PSA token.
    case psa
    /// NVIDIA GPU SPDM report.
    case nvidiaGPU = "nvidia-gpu"
    /// NVIDIA NVSwitch SPDM report.
    case nvidiaSwitch = "nvidia-nvswitch"
    /// TPM 2.0 quote.
    case tpm
    /// Azure virtual TPM bundle: a TPM quote whose key is bound by a CPU report.
    case azureVTPM = "azure-vtpm"
}

/// Whose root keys vouch for a piece of evidence. The trust file lists the roots of each domain.
public enum TrustDomain: String, Sendable, CaseIterable, Hashable {
    /// Intel SGX Root CA: SGX and TDX quotes and their collateral.
    case intelSGX = "intel-sgx"
    /// AMD root keys (ARK), one per product line.
    case amdSEV = "amd-sev"
    /// AWS Nitro enclaves root.
    case awsNitro = "aws-nitro"
    /// Arm CCA platform keys.
    case armCCA = "arm-cca"
    /// Arm PSA initial attestation keys.
    case armPSA = "arm-psa"
    /// NVIDIA device identity root.
    case nvidiaDevice = "nvidia-device"
    /// NVIDIA reference integrity manifest root.
    case nvidiaRIM = "nvidia-rim"
    /// Roots of TPM endorsement and attestation key certificates.
    case tpm
}
