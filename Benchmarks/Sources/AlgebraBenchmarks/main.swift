// Times pairings, multi-scalar products and transforms; prints one JSON object with nanoseconds per operation.
import Algebra
import Foundation

@inline(never) func sink<T>(_ value: T) {}

func thread() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t)
    return Double(t.tv_sec) * 1e9 + Double(t.tv_nsec)
}

func measure(_ name: String, rounds: Int = 7, count: Int = 1, _ body: () -> Void) {
    var best = Double.infinity
    for _ in 0..<rounds {
        let start = thread()
        for _ in 0..<count { body() }
        best = min(best, (thread() - start) / Double(count))
    }
    print("\(name): \((best / 1000 * 100).rounded() / 100) us")
}

func curve<C: PairingCurve>(_ c: C.Type, log: Int) {
    let g1 = C.G1.generator, g2 = C.G2.generator
    let s = C.G1.Scalar(reducing: Integer(words: [1, 2, 3, 0x1234_5678_9abc_def0]))
    let p = (s * g1).affine, q = (s * g2).affine
    measure(C.name + " pairing", count: 20) { sink(C.pairing(p, q)) }
    measure(C.name + " miller", count: 20) { sink(C.millerLoop([PairingTerm(p, q)])) }
    let prepared = PreparedG2<C>(q)
    measure(C.name + " miller prepared", count: 20) { sink(C.millerLoop([PairingTerm(p, prepared)])) }
    let f = C.millerLoop([PairingTerm(p, q)]).value
    measure(C.name + " final exp", count: 20) { sink(C.finalExponentiation(f)) }
    measure(C.name + " miller x3", count: 20) {
        sink(C.millerLoop([PairingTerm(p, q), PairingTerm(p, prepared), PairingTerm(p, prepared)]))
    }
    measure(C.name + " prepare", count: 20) { sink(PreparedG2<C>(q)) }
    measure(C.name + " g1 mul", count: 20) { sink(s * p) }
    measure(C.name + " g2 mul", count: 20) { sink(s * q) }
    measure(C.name + " g1 subgroup", count: 20) { sink(C.G1.isInSubgroup(p)) }
    measure(C.name + " g2 subgroup", count: 20) { sink(C.G2.isInSubgroup(q)) }
    measure(C.name + " inverse", count: 100) { sink(p.x.inverse()) }
    var points: [JacobianPoint<C.G1>] = []
    var scalars: [C.G1.Scalar] = []
    var running = JacobianPoint(p)
    var k = s
    for _ in 0..<(1 << log) {
        points.append(running)
        running += g1
        scalars.append(k)
        k = k.squared() + s
    }
    let affine = C.G1.normalize(points)
    for l in [12, log] {
        measure(C.name + " msm 2^\(l)", rounds: 3) {
            sink(C.G1.multiScalar(Array(affine[..<(1 << l)]), Array(scalars[..<(1 << l)]), threads: 1))
        }
    }
}
curve(BN254.self, log: 16)
curve(BLS12381.self, log: 16)
