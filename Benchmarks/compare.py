#!/usr/bin/env python3
"""Runs algebra-bench and the PyPI peers one after the other on one core and prints the ratios.

    python3 -m venv PEERS && PEERS/bin/pip install py-arkworks-bls12381==0.5.0 ckzg==2.1.8 zksnake==0.1.0 py-ecc==8.0.0
    ASSAY_OPTIMISED=1 swift build -c release --product algebra-bench
    PEERS/bin/python compare.py SHARED

SHARED is the folder of shared vectors. Times are the least thread CPU time of several rounds; ratios within one run are
what counts, absolute times move with the load of the machine.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import time

os.environ["RAYON_NUM_THREADS"] = "1"


def measure(run, repeats, rounds=7):
    run()
    best = float("inf")
    for _ in range(rounds):
        start = time.thread_time()
        for _ in range(repeats):
            run()
        best = min(best, (time.thread_time() - start) / repeats)
    return best * 1e6


def arkworks(log=16):
    from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

    g1, g2 = G1Point(), G2Point()
    base = Scalar.from_le_bytes(bytes([0x21] * 31 + [0x12]))
    points, scalars, point, scalar = [], [], g1, base
    for _ in range(1 << log):
        points.append(point)
        scalars.append(scalar)
        point, scalar = point + g1, scalar * scalar + base
    return {
        "pairing": measure(lambda: GT.pairing(g1, g2), 20),
        "msm-2^16": measure(lambda: G1Point.multiexp_unchecked(points, scalars), 1, 3),
    }


def kzg(setup):
    import ckzg

    trusted = ckzg.load_trusted_setup(str(setup), 0)
    blobs = [b"".join(b"\0" + random.randbytes(31) for _ in range(4096)) for _ in range(6)]
    commitments = [ckzg.blob_to_kzg_commitment(blob, trusted) for blob in blobs]
    proofs = [ckzg.compute_blob_kzg_proof(b, c, trusted) for b, c in zip(blobs, commitments)]
    z = b"\0" + random.randbytes(31)
    proof, y = ckzg.compute_kzg_proof(blobs[0], z, trusted)
    joined = [b"".join(part) for part in (blobs, commitments, proofs)]

    def batch():
        try:
            return ckzg.verify_blob_kzg_proof_batch(*joined, trusted)
        except (TypeError, ValueError):
            return ckzg.verify_blob_kzg_proof_batch(blobs, commitments, proofs, trusted)

    assert ckzg.verify_kzg_proof(commitments[0], z, y, proof, trusted) and batch()
    return {
        "verify": measure(lambda: ckzg.verify_kzg_proof(commitments[0], z, y, proof, trusted), 20),
        "blob": measure(lambda: ckzg.verify_blob_kzg_proof(blobs[0], commitments[0], proofs[0], trusted), 10),
        "batch-6": measure(batch, 2),
    }


def zksnake(shared):
    """One Groth16 verification of a one-constraint circuit over BN254; None when this version cannot do it."""
    try:
        from zksnake.arithmetization import R1CS
        from zksnake.groth16 import Groth16

        r1cs = R1CS.from_file(str(shared / "vectors/proofs/groth16-snarkjs/bn254-multiplier2/circuit.r1cs"))
        r1cs.compile()
        groth16 = Groth16(r1cs, "BN254")
        groth16.setup()
        public, private = [1, 33], [3, 11]
        proof = groth16.prove(public, private)
        assert groth16.verify(proof, public)
        return measure(lambda: groth16.verify(proof, public), 10)
    except Exception as error:  # A peer that cannot run is reported, not fatal.
        print(f"zksnake: {error!r}", file=sys.stderr)
        return None


def main():
    shared = pathlib.Path(sys.argv[1])
    here = pathlib.Path(__file__).resolve().parent
    ark = arkworks()
    ckzg = kzg(shared / "vectors/proofs/kzg/trusted_setup.txt")
    snake = zksnake(shared)
    ours = json.loads(subprocess.check_output([here / ".build/release/algebra-bench", shared], text=True))
    rows = [
        ("Groth16 verify BN254, JSON in", "bn254.groth16-verify-json", "ckzg verify", ckzg["verify"], 0.68),
        ("Groth16 batch of 64, BN254", "bn254.groth16-batch-64", "ckzg verify", ckzg["verify"], 0.21),
        ("Groth16 batch of 64, BLS12-381", "bls12-381.groth16-batch-64", "ckzg verify", ckzg["verify"], 0.32),
        ("pairing BLS12-381", "bls12-381.pairing", "arkworks pairing", ark["pairing"], 0.70),
        ("pairing BN254", "bn254.pairing", "arkworks BLS pairing", ark["pairing"], 0.50),
        ("MSM 2^16 BLS12-381", "bls12-381.msm-2^16", "arkworks MSM", ark["msm-2^16"], 0.55),
        ("MSM 2^16 BN254", "bn254.msm-2^16", "arkworks BLS MSM", ark["msm-2^16"], 0.50),
        ("NTT 2^20 BN254", "bn254.ntt-2^20", "arkworks MSM 2^16", ark["msm-2^16"], 0.35),
        ("KZG verify", "kzg.verify-proof", "ckzg verify", ckzg["verify"], 0.70),
        ("KZG blob", "kzg.verify-blob", "ckzg blob", ckzg["blob"], 0.80),
        ("KZG batch of 6", "kzg.verify-blob-batch-6", "ckzg batch", ckzg["batch-6"], 0.70),
    ]
    if snake:
        rows.append(("Groth16 verify BN254, JSON in", "bn254.groth16-verify-json", "zksnake verify", snake, 0.333))
    print("| what | Assay µs | peer | peer µs | ratio | bar |  |\n|---|---|---|---|---|---|---|")
    for what, name, peer, time_of_peer, bar in rows:
        ratio = ours[name] / time_of_peer
        mark = "met" if ratio <= bar else "missed"
        print(f"| {what} | {ours[name]:.0f} | {peer} | {time_of_peer:.0f} | {ratio:.2f} | {bar:.2f} | {mark} |")
    print(json.dumps(ours, indent=1), file=sys.stderr)


main()
