// The schemas of the OpenAPI description, beside the views that they describe (`EngineAPI`, Views.swift and Work.swift).
internal import Codecs
internal import EngineAPI

/// The members of `components.schemas`.
enum OpenAPISchemas {
    /// All schemas by name.
    static var all: JSONObject {
        [
            "Envelope": .object([
                "type": .string("object"),
                "description": .string("A DSSE envelope (secure-systems-lab/dsse, envelope.md)"),
                "required": .array(["payloadType", "payload", "signatures"].map { .string($0) }),
                "properties": .object([
                    "payloadType": text,
                    "payload": base64,
                    "signatures": list(
                        .object([
                            "type": .string("object"),
                            "required": .array([.string("sig")]),
                            "properties": .object(["keyid": text, "sig": base64]),
                        ])
                    ),
                ]),
            ]),
            "Bytes": .object(["type": .string("string"), "format": .string("binary")]),
            "Text": text,
            "Page": text,
            "Events": text,
            "Description": .object(["type": .string("object")]),
            "JobID": pattern("^[0-9a-f]{64}$"),
            "Digest": pattern("^[0-9a-f]{64}$"),
            "TilePath": pattern("^([0-9]{1,2}|entries)(/x[0-9]{3})*/[0-9]{3}(\\.p/[0-9]{1,3})?$"),
            "AccountID": pattern("^[0-9a-f]{32}$"),
            "CID": pattern("^b[a-z2-7]{1,127}$"),
            "Key": pattern("^ed25519:[0-9a-f]{64}$"),
            "Amount": pattern("^(0|-?[1-9][0-9]{0,18})$"),
            "Submission": object(["order": base64, "spec": base64]),
            "Commitment": object(["execution": base64, "trace": base64]),
            "Engine": object(
                [
                    "schema": .object(["const": .string("assay.engine/1")]),
                    "engine": key, "operator": key, "currency": text, "validators": list(key),
                    "ruleset": .object(["type": .string("object")]), "version": text,
                ],
                optional: [
                    "standing": object(
                        ["role": choice(EngineStanding.Role.allCases.map(\.rawValue)), "name": text],
                        optional: ["leader": text, "epoch": integer]
                    )
                ]
            ),
            "Account": object([
                "id": OpenAPIDocument.reference("AccountID"), "kind": text, "currency": text, "owner": key,
                "available": amount, "held": amount, "balance": amount,
            ]),
            "Job": object(
                [
                    "id": OpenAPIDocument.reference("JobID"), "name": text,
                    "phase": choice(["funded", "offered", "assigned", "committed", "verifying", "judged", "final"]),
                    "attempt": integer, "held": amount, "deadline": integer, "reason": text,
                ],
                optional: [
                    "missing": list(OpenAPIDocument.reference("CID")),
                    "metered": amount, "covered": amount, "topUps": integer,
                    "yields": choice(["preempted", "closed"]), "stopped": text,
                    "outcome": choice(["accepted", "rejected", "requesterFault", "inconclusive"]),
                    "paid": amount, "refunded": amount,
                ]
            ),
            "Jobs": object(["jobs": list(OpenAPIDocument.reference("Job"))]),
            "Node": object(
                [
                    "node": key, "deviceType": text, "memoryBytes": amount, "askPerMegaUnit": amount,
                    "online": .object(["type": .string("boolean")]),
                ],
                optional: ["job": OpenAPIDocument.reference("JobID")]
            ),
            "Nodes": object(["nodes": list(OpenAPIDocument.reference("Node"))]),
            "LeasedWork": work(["lease", "order", "spec"]),
            "VerificationWork": work(["lease", "order", "spec", "execution", "trace"]),
            "Health": object(["status": .object(["const": .string("ok")])]),
            "Readiness": object([
                "ready": .object(["type": .string("boolean")]),
                "checks": list(
                    object(["id": text, "ready": .object(["type": .string("boolean")]), "detail": text])
                ),
            ]),
            "Version": object(["name": text, "version": text]),
            "Problem": object(
                ["type": text, "title": text, "status": integer, "id": text, "detail": text],
                optional: ["field": text, "expected": text, "actual": text]
            ),
        ]
    }

    private static let text = JSONValue.object(["type": .string("string")])
    private static let integer = JSONValue.object(["type": .string("integer")])
    private static let base64 = JSONValue.object(["type": .string("string"), "contentEncoding": .string("base64")])
    private static let key = OpenAPIDocument.reference("Key")
    private static let amount = OpenAPIDocument.reference("Amount")

    private static func pattern(_ pattern: String) -> JSONValue {
        .object(["type": .string("string"), "pattern": .string(pattern)])
    }

    private static func choice(_ values: [String]) -> JSONValue {
        .object(["type": .string("string"), "enum": .array(values.map { .string($0) })])
    }

    private static func list(_ element: JSONValue) -> JSONValue {
        .object(["type": .string("array"), "items": element])
    }

    private static func object(_ required: JSONObject, optional: JSONObject = [:]) -> JSONValue {
        var properties = required
        for member in optional.members { properties[member.name] = member.value }
        return .object([
            "type": .string("object"),
            "required": .array(required.members.map { .string($0.name) }),
            "properties": .object(properties),
        ])
    }

    private static func work(_ documents: [String]) -> JSONValue {
        var members: JSONObject = ["job": OpenAPIDocument.reference("JobID")]
        for name in documents { members[name] = base64 }
        return object(["work": .object(["anyOf": .array([object(members), .object(["type": .string("null")])])])])
    }
}
