// Many proofs under one key at the price of one Miller loop each: random weights, one final exponentiation, and a search
// for the culprit when the batch does not hold.
public import Algebra
internal import Commitments
public import Verdicts

/// One statement and its proof.
public struct Groth16Claim<C: PairingCurve>: Sendable {
    public var proof: Groth16Proof<C>
    public var publicInputs: [C.G1.Scalar]

    /// The claim that `proof` shows `publicInputs`.
    public init(proof: Groth16Proof<C>, publicInputs: [C.G1.Scalar]) {
        self.proof = proof
        self.publicInputs = publicInputs
    }
}

extension Groth16Verifier {
    /// A claim whose points are members of their groups, with its place in the batch.
    private struct Member {
        var index: Int
        var points: Members
        var publicInputs: [C.G1.Scalar]
    }

    /// Checks a batch: one verdict for each claim, the same that `verify` would give, up to an error of 2^-127.
    ///
    /// Weights are drawn from a hash of the key and of every proof and input, so nobody chooses them after the proofs and
    /// nobody chooses the proofs after them. A batch that does not hold is split in halves until the culprits are alone.
    public func verifyBatch(_ claims: [Groth16Claim<C>]) -> [Verdict] {
        var checks = claims.map { [count($0.publicInputs)] }
        var batch: [Member] = []
        for (index, claim) in claims.enumerated() where checks[index][0].result == .pass {
            guard let points = members(claim.proof, &checks[index]) else { continue }
            batch.append(Member(index: index, points: points, publicInputs: claim.publicInputs))
        }
        var endings = [Ending](repeating: .fails, count: claims.count)
        judge(batch[...], seed: seed(claims), &endings)
        for member in batch { checks[member.index] += Self.ending(endings[member.index]) }
        return claims.indices.map { index in
            Self.verdict(checks[index], key.statementDigest(claims[index].publicInputs).text)
        }
    }

    /// Sets the ending of every member: all at once when their sum holds, else half by half. Members whose B is outside its
    /// group are taken out first.
    private func judge(_ batch: ArraySlice<Member>, seed: Digest, _ endings: inout [Ending]) {
        guard let first = batch.first else { return }
        let (holds, outsiders) = batch.count == 1 ? isTrue(first) : isTrue(batch, seed: seed)
        if !outsiders.isEmpty {
            let places = Set(outsiders.map { batch.startIndex + $0 })
            for place in places { endings[batch[place].index] = .outside }
            let rest = batch.indices.filter { !places.contains($0) }.map { batch[$0] }
            judge(rest[...], seed: seed, &endings)
        } else if holds || batch.count == 1 {
            for member in batch { endings[member.index] = holds ? .holds : .fails }
        } else {
            let middle = batch.startIndex + batch.count / 2
            judge(batch[..<middle], seed: seed, &endings)
            judge(batch[middle...], seed: seed, &endings)
        }
    }

    private func isTrue(_ member: Member) -> (holds: Bool, outsiders: [Int]) {
        let (product, outsiders) = C.pairingProduct(
            candidates: [PairingCandidate(member.points.a, member.points.b)],
            [PairingTerm(-inputSum(member.publicInputs), gamma), PairingTerm(-member.points.c, delta)]
        )
        return (product == alphaBeta, outsiders)
    }

    /// The product over z_i A_i, B_i and the two sums equals e(alpha, beta) to the sum of the weights z_i.
    private func isTrue(_ batch: ArraySlice<Member>, seed: Digest) -> (holds: Bool, outsiders: [Int]) {
        let weights = weights(batch.map(\.index), seed: seed)
        let scalars = weights.map { $0.scalar(of: C.G1.self) }
        var total = C.G1.Scalar.zero
        var sums = [C.G1.Scalar](repeating: .zero, count: key.inputCount)
        for (member, scalar) in zip(batch, scalars) {
            total += scalar
            for (index, input) in member.publicInputs.enumerated() { sums[index] += scalar * input }
        }
        let inputSum =
            (table?.sum(sums) ?? C.G1.multiScalar(Array(key.inputs.dropFirst()), sums, threads: 1))
            + total * key.inputs[0]
        let proofSum = C.G1.multiScalar(batch.map(\.points.c), scalars, threads: 1)
        // No weight is zero and A is not infinity, so each product has lines.
        let weighted = C.G1.weighted(batch.map(\.points.a), by: weights)
        let sides = C.G1.normalize([-inputSum, -proofSum])
        let (product, outsiders) = C.pairingProduct(
            candidates: zip(weighted, batch).map { PairingCandidate($0, $1.points.b) },
            [PairingTerm(sides[0], gamma), PairingTerm(sides[1], delta)]
        )
        return (product.map { $0 == alphaBeta.power(total) } ?? false, outsiders)
    }

    /// A digest that every byte of every claim went into.
    func seed(_ claims: [Groth16Claim<C>]) -> Digest {
        var hash = SHA256()
        hash.update("assay-groth16-batch-1\0")
        hash.update(key.digest)
        hash.update(bigEndian: UInt64(claims.count))
        for claim in claims {
            hash.update(claim.proof.a.bytes)
            hash.update(claim.proof.b.bytes)
            hash.update(claim.proof.c.bytes)
            hash.update(bigEndian: UInt64(claim.publicInputs.count))
            for input in claim.publicInputs { hash.update(input.bigEndianBytes) }
        }
        return hash.finalized()
    }

    func weights(_ indices: [Int], seed: Digest) -> [RandomWeight] {
        indices.map { index in
            var hash = SHA256()
            hash.update(seed)
            hash.update(bigEndian: UInt64(index))
            // Which subset is judged goes in too, so that no two rounds share their weights.
            hash.update(bigEndian: UInt64(indices.count))
            let bytes = hash.finalized().bytes
            let low = bytes[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let high = bytes[8..<16].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return RandomWeight(low: low | 1, high: high)
        }
    }
}

extension UncheckedPoint {
    /// A fixed-width form for hashing: a marker for infinity and both coordinates.
    var bytes: [UInt8] {
        guard let coordinates else { return [0] }
        return [1] + coordinates.x.bigEndianBytes + coordinates.y.bigEndianBytes
    }
}
