// The `add-checkpoint` call of c2sp.org/tlog-witness as bytes in, status and bytes out; who carries them is another's matter.
internal import Codecs
internal import Signatures
internal import TransparencyLog

/// A witness's answer as HTTP has it.
public struct WitnessAnswer: Sendable, Equatable {
    /// The HTTP status.
    public var status: Int
    /// The media type of the body.
    public var contentType: String
    /// The body: signature lines, a size, or a sentence.
    public var body: [UInt8]
}

extension WitnessKeeper {
    /// The longest request: a checkpoint and 63 hashes are far below.
    public static let maxRequestBytes = 1 << 16

    /// Answers the body of a POST to `add-checkpoint`.
    /// - Parameter time: seconds since 1970, more than zero.
    public func answer(_ body: [UInt8], at time: Int64) -> WitnessAnswer {
        let request: AddCheckpointRequest
        do throws(ParseError) {
            request = try AddCheckpointRequest(parsing: body)
        } catch {
            return .text(400, error.description)
        }
        do throws(LogError) {
            let result = try add(request, at: time)
            switch result.answer {
            case .cosign:
                guard let cosignature = result.cosignature else { return .text(500, "no cosignature was made") }
                return .text(200, String(cosignature.line.dropLast()))
            case .conflict(let size):
                return WitnessAnswer(status: 409, contentType: "text/x.tlog.size", body: Array("\(size)\n".utf8))
            case .badRequest(let reason), .unprocessable(let reason): return .text(result.answer.status, reason)
            case .forbidden(let error): return .text(403, error.description)
            case .unknownOrigin: return .text(404, "this witness does not follow the log")
            }
        } catch {
            // What could not be stored must not be signed; the reason is for this machine's log alone.
            return .text(503, "the witness cannot store what it has seen")
        }
    }
}

extension WitnessAnswer {
    static func text(_ status: Int, _ text: String) -> WitnessAnswer {
        WitnessAnswer(status: status, contentType: "text/plain; charset=utf-8", body: Array((text + "\n").utf8))
    }
}
