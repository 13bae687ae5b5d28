#!/usr/bin/env python3
"""Random claims about points, openings, signatures and proofs, each with what other implementations say to it.

    pip install py-arkworks-bls12381==0.5.0 ckzg==2.1.8 py-ecc==8.0.0
    Tests/Peers/proofs.py --seed 7 --count 50 --setup trusted_setup.txt [--slow]

Prints one JSON object a line; the same seed gives the same lines. `accepts` is the peer's verdict, never this file's opinion:
a claim is made valid, then mutated at random, and the peer judges what came out. `--slow` adds py_ecc, which needs seconds a
claim. Tests/ProofsTests/PeerTests.swift runs this and compares.
"""
import argparse
import json
import random
import sys

import ckzg
from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

P = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
R = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
POP_TAG = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"


def judged(judge):
    """A peer's verdict: what it raises is a refusal."""
    try:
        return bool(judge())
    except (ValueError, RuntimeError, TypeError, AssertionError):
        return False


def scalar(value):
    return Scalar.from_be_bytes((value % R).to_bytes(32, "big"))


class Claims:
    def __init__(self, seed, setup):
        self.random = random.Random(seed)
        self.setup = setup

    # Random parts

    def number(self):
        edge = [0, 1, 2, R - 1, R - 2, 1 << 64, (1 << 128) - 1]
        return self.random.choice(edge) if self.random.random() < 0.2 else self.random.randrange(R)

    def g1(self):
        return G1Point() * scalar(self.random.randrange(1, R))

    def g2(self):
        return G2Point() * scalar(self.random.randrange(1, R))

    def mutate(self, data):
        """One of the ways in which encodings go wrong."""
        data, kind = bytearray(data), self.random.randrange(9)
        if kind == 0:
            data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        elif kind == 1:
            data[0] ^= 0x20
        elif kind == 2:
            data[0] ^= 0x80 if self.random.random() < 0.5 else 0x40
        elif kind == 3:
            data[0:48] = ((int.from_bytes(data[:48], "big") & ((1 << 381) - 1)) + P).to_bytes(48, "big")
            data[0] |= 0x80
        elif kind == 4:
            data[:] = bytes([0xC0]) + bytes(len(data) - 1)
        elif kind == 5:
            data[-1] = (data[-1] + 1) % 256
        elif kind == 6:
            data = data[:-1]
        elif kind == 7:
            data[:] = bytes([0x80]) + self.random.randbytes(len(data) - 1)
        return bytes(data)

    def unreduced(self, value):
        """32 bytes of a scalar, sometimes with r added or all ones."""
        return self.random.choice([value, value, value, value + R, (1 << 256) - 1]).to_bytes(32, "big")

    # Claims

    def point(self):
        group, make = self.random.choice([("g1", self.g1), ("g2", self.g2)])
        data = bytes(make().to_compressed_bytes())
        if self.random.random() < 0.8:
            data = self.mutate(data)
        peer = G1Point if group == "g1" else G2Point
        return {
            "kind": group,
            "bytes": data.hex(),
            "accepts": judged(lambda: bytes(peer.from_compressed_bytes(data).to_compressed_bytes()) == data),
        }

    def sum(self):
        group, make, peer = self.random.choice([("g1", self.g1, G1Point), ("g2", self.g2, G2Point)])
        points = [make() for _ in range(self.random.choice([1, 2, 3, 7, 20]))]
        if self.random.random() < 0.3:
            points.append(-points[0])
            points.append(peer.identity())
        numbers = [self.number() for _ in points]
        total = peer.multiexp_unchecked(points, [scalar(number) for number in numbers])
        return {
            "kind": group + "-sum",
            "points": [bytes(point.to_compressed_bytes()).hex() for point in points],
            "scalars": [number.to_bytes(32, "big").hex() for number in numbers],
            "result": bytes(total.to_compressed_bytes()).hex(),
        }

    def hash(self):
        group, peer = self.random.choice([("g1", G1Point), ("g2", G2Point)])
        message = self.random.randbytes(self.random.choice([0, 1, 31, 32, 33, 200]))
        tag = self.random.randbytes(self.random.choice([1, 43, 255]))
        return {
            "kind": group + "-hash",
            "message": message.hex(),
            "tag": tag.hex(),
            "result": bytes(peer.hash_to_curve(message, tag).to_compressed_bytes()).hex(),
        }

    def pairing(self):
        a, b = self.random.randrange(1, R), self.random.randrange(1, R)
        p, q = self.g1(), self.g2()
        firsts = [p * scalar(a), -(p * scalar(a * b)), G1Point.identity()]
        seconds = [q * scalar(b), q, self.g2()]
        if self.random.random() < 0.5:
            firsts[0] = firsts[0] + G1Point()
        return {
            "kind": "pairing",
            "g1": [bytes(point.to_compressed_bytes()).hex() for point in firsts],
            "g2": [bytes(point.to_compressed_bytes()).hex() for point in seconds],
            "accepts": judged(lambda: GT.pairing_check(firsts, seconds)),
        }

    def blob_bytes(self):
        return b"".join(self.random.randrange(R).to_bytes(32, "big") for _ in range(4096))

    def opening(self):
        blob = bytes(131072) if self.random.random() < 0.1 else self.cached_blob()
        z = self.number().to_bytes(32, "big")
        commitment = ckzg.blob_to_kzg_commitment(blob, self.setup) if not any(blob) else self.cached_commitment()
        proof, y = ckzg.compute_kzg_proof(blob, z, self.setup)
        parts = [bytes(commitment), z, bytes(y), bytes(proof)]
        which = self.random.randrange(6)
        if which in (0, 3):
            parts[which] = self.mutate(parts[which])
        elif which in (1, 2):
            parts[which] = self.unreduced(int.from_bytes(parts[which], "big"))
        elif which == 4:
            parts[3] = bytes(self.g1().to_compressed_bytes())
        return {
            "kind": "kzg",
            **{name: part.hex() for name, part in zip(("commitment", "z", "y", "proof"), parts)},
            "accepts": judged(lambda: ckzg.verify_kzg_proof(*parts, self.setup)),
        }

    def blob(self):
        blob, commitment = self.cached_blob(), self.cached_commitment()
        proof = bytes(ckzg.compute_blob_kzg_proof(blob, commitment, self.setup))
        which = self.random.randrange(4)
        if which == 0:
            index = self.random.randrange(len(blob))
            blob = blob[:index] + bytes([blob[index] ^ 1 << self.random.randrange(8)]) + blob[index + 1 :]
        elif which == 1:
            proof = self.mutate(proof)
        elif which == 2:
            commitment = self.mutate(commitment)
        return {
            "kind": "blob",
            "blob": blob.hex(),
            "commitment": commitment.hex(),
            "proof": proof.hex(),
            "accepts": judged(lambda: ckzg.verify_blob_kzg_proof(blob, commitment, proof, self.setup)),
        }

    def cached_blob(self):
        if not hasattr(self, "_blob"):
            self._blob = self.blob_bytes()
            self._commitment = bytes(ckzg.blob_to_kzg_commitment(self._blob, self.setup))
        return self._blob

    def cached_commitment(self):
        self.cached_blob()
        return self._commitment

    def signature(self):
        secret, message = self.random.randrange(1, R), self.random.randbytes(32)
        key = bytes((G1Point() * scalar(secret)).to_compressed_bytes())
        signed = bytes((G2Point.hash_to_curve(message, POP_TAG) * scalar(secret)).to_compressed_bytes())
        which = self.random.randrange(5)
        if which == 0:
            key = self.mutate(key)
        elif which == 1:
            signed = self.mutate(signed)
        elif which == 2:
            message = message[:-1]

        def judge():
            point, other = G1Point.from_compressed_bytes(key), G2Point.from_compressed_bytes(signed)
            if point == G1Point.identity() or other == G2Point.identity():
                return False
            return GT.pairing_check([point, -G1Point()], [G2Point.hash_to_curve(message, POP_TAG), other])

        return {
            "kind": "bls",
            "pubkey": key.hex(),
            "message": message.hex(),
            "signature": signed.hex(),
            "accepts": judged(judge),
        }

    def groth16(self):
        """A key whose secrets are known, and with them a proof; arkworks' pairings judge it."""
        alpha, beta, gamma, delta, constant, factor, a, b = (self.random.randrange(1, R) for _ in range(8))
        public = self.number()
        c = (a * b - alpha * beta - gamma * (constant + factor * public)) * pow(delta, -1, R) % R
        g1, g2 = (lambda k: G1Point() * scalar(k)), (lambda k: G2Point() * scalar(k))
        key = {"alpha": g1(alpha), "beta": g2(beta), "gamma": g2(gamma), "delta": g2(delta)}
        inputs = [g1(constant), g1(factor)]
        proof = [g1(a), g2(b), g1(c)]
        which = self.random.randrange(7)
        if which == 0:
            proof[0] = -proof[0]
        elif which == 1:
            proof[2] = proof[2] + G1Point()
        elif which == 2:
            proof[1] = proof[1] + G2Point()
        elif which == 3:
            public = (public + 1) % R
        elif which == 4:
            proof = [proof[0] * scalar(7), proof[1] * scalar(pow(7, -1, R)), proof[2]]
        elif which == 5:
            proof[2] = G1Point.identity()
        left = inputs[0] + inputs[1] * scalar(public)

        def judge():
            if any(point in (G1Point.identity(),) for point in (proof[0], proof[2])):
                return False
            return GT.pairing_check(
                [-proof[0], key["alpha"], left, proof[2]], [proof[1], key["beta"], key["gamma"], key["delta"]]
            )

        return {
            "kind": "groth16",
            **{name: bytes(point.to_compressed_bytes()).hex() for name, point in key.items()},
            "inputs": [bytes(point.to_compressed_bytes()).hex() for point in inputs],
            "proof": [bytes(point.to_compressed_bytes()).hex() for point in proof],
            "public": str(public),
            "accepts": judged(judge),
        }

    # Claims that take seconds each

    def slow_signatures(self):
        from py_ecc.bls import G2Basic

        secrets = [self.random.randrange(1, R) for _ in range(2)]
        messages = [self.random.randbytes(8), self.random.randbytes(9)]
        keys = [G2Basic.SkToPk(secret) for secret in secrets]
        total = G2Basic.Aggregate([G2Basic.Sign(secret, message) for secret, message in zip(secrets, messages)])
        if self.random.random() < 0.5:
            messages = messages[::-1]
        return {
            "kind": "bls-aggregate",
            "pubkeys": [key.hex() for key in keys],
            "messages": [message.hex() for message in messages],
            "signature": total.hex(),
            "accepts": judged(lambda: G2Basic.AggregateVerify(keys, messages, total)),
        }

    def slow_pairing(self):
        """Two pairs over BN254 as EIP-197 writes them."""
        from py_ecc import optimized_bn128 as bn

        a, b = self.random.randrange(1, bn.curve_order), self.random.randrange(1, bn.curve_order)
        first = (bn.multiply(bn.G1, a), bn.multiply(bn.G2, b))
        second = (bn.neg(bn.multiply(bn.G1, a * b % bn.curve_order)), bn.G2)
        if self.random.random() < 0.5:
            second = (bn.G1, bn.G2)
        product = bn.pairing(first[1], first[0]) * bn.pairing(second[1], second[0])
        words = []
        for one, two in (first, second):
            x, y = bn.normalize(one)
            words += [int(x), int(y)]
            for coordinate in bn.normalize(two):
                words += [int(coordinate.coeffs[1]), int(coordinate.coeffs[0])]
        return {
            "kind": "bn254-pairing",
            "words": b"".join(word.to_bytes(32, "big") for word in words).hex(),
            "accepts": product == bn.FQ12.one(),
        }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--setup", help="c-kzg's trusted_setup.txt; no openings without it")
    parser.add_argument("--slow", action="store_true")
    options = parser.parse_args()
    setup = ckzg.load_trusted_setup(options.setup, 0) if options.setup else None
    claims = Claims(options.seed, setup)
    makers = [claims.point] * 6 + [claims.sum, claims.hash, claims.pairing, claims.signature, claims.groth16] * 2
    if setup:
        makers += [claims.opening] * 2
    for _ in range(options.count):
        print(json.dumps(claims.random.choice(makers)()))
    if setup:
        for _ in range(max(1, options.count // 50)):
            print(json.dumps(claims.blob()))
    if options.slow:
        for _ in range(max(1, options.count // 100)):
            print(json.dumps(claims.slow_signatures()))
            print(json.dumps(claims.slow_pairing()))


if __name__ == "__main__":
    sys.exit(main())
