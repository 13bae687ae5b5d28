// Systematic damage to JSON documents: every member removed, replaced by null, and an unknown member added to every object.
public import Codecs

/// One way in which a document was damaged.
public struct JSONMutation: Sendable, CustomStringConvertible {
    /// What was done.
    public enum Kind: String, Sendable, CaseIterable {
        /// The member is gone.
        case removed
        /// The member is `null`.
        case nulled
        /// The object has a member that no format knows.
        case unknown
    }

    /// What was done.
    public let kind: Kind
    /// Where, as `ParseError.field` writes it; for `unknown` the path of the added member.
    public let path: String
    /// The path with every index written `[]`, for lists of members that may be missing.
    public let shape: String
    /// The damaged document.
    public let document: JSONValue

    public var description: String { "\(kind.rawValue) \(path)" }

    /// The name of the member that `unknown` adds.
    public static let unknownName = "assayTestingUnknownMember"

    /// Every mutation of `document`.
    public static func all(of document: JSONValue) -> [JSONMutation] {
        mutations(document, path: "", shape: "") { $0 }
    }

    private static func mutations(
        _ value: JSONValue,
        path: String,
        shape: String,
        rebuild: (JSONValue) -> JSONValue
    ) -> [JSONMutation] {
        var result: [JSONMutation] = []
        switch value {
        case .object(let object):
            func join(_ prefix: String, _ name: String) -> String { prefix.isEmpty ? name : prefix + "." + name }
            for member in object.members {
                for (kind, replacement) in [(Kind.removed, nil), (.nulled, JSONValue.null)] {
                    var copy = object
                    copy[member.name] = replacement
                    result.append(
                        JSONMutation(
                            kind: kind,
                            path: join(path, member.name),
                            shape: join(shape, member.name),
                            document: rebuild(.object(copy))
                        )
                    )
                }
                result += mutations(member.value, path: join(path, member.name), shape: join(shape, member.name)) {
                    var copy = object
                    copy[member.name] = $0
                    return rebuild(.object(copy))
                }
            }
            var copy = object
            copy[unknownName] = .bool(true)
            result.append(
                JSONMutation(
                    kind: .unknown,
                    path: join(path, unknownName),
                    shape: join(shape, unknownName),
                    document: rebuild(.object(copy))
                )
            )
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                result += mutations(element, path: path + "[\(index)]", shape: shape + "[]") {
                    var copy = elements
                    copy[index] = $0
                    return rebuild(.array(copy))
                }
            }
        default: break
        }
        return result
    }
}
