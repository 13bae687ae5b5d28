// What the daemon says about itself in documents: its program by digest, its network, its licence and operator.
import ArgumentParser
import Codecs
import Commitments
import EngineAPI
import Glibc
import Receipts
import Validator

extension Daemon {
    /// This program, and the worker where kernels are run.
    func software(worker: String?) throws -> Software {
        Software(
            name: "assayd",
            version: AssayVersion.text,
            digest: try Self.digest(ofFile: "/proc/self/exe"),
            worker: try worker.map(Self.digest(ofFile:))
        )
    }

    /// SHA-256 of a file, a piece at a time.
    private static func digest(ofFile path: String) throws -> Digest {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw DaemonError.input("cannot read \(path): errno \(errno)") }
        defer { close(descriptor) }
        var hash = SHA256()
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(descriptor, &piece, piece.count)
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw DaemonError.input("cannot read \(path): errno \(errno)")
            }
            if count == 0 { return hash.finalized() }
            hash.update(piece[..<count])
        }
    }
}

extension AssayDaemon {
    func parsedDeclaration() throws -> NodeDeclaration? {
        guard licence != nil || operatorReference != nil else { return nil }
        do {
            return try NodeDeclaration(licence: licence, operatorReference: operatorReference)
        } catch {
            throw ValidationError("--licence, --operator-reference: \(error)")
        }
    }

    func checkNetwork() throws {
        guard let network else { return }
        do {
            try NodeDeclaration.check(network, "--network")
        } catch {
            throw ValidationError("\(error)")
        }
    }
}
