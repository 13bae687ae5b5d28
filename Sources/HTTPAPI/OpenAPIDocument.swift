// The OpenAPI 3.1 description of the interface, written by hand; a test holds it against the table of routes.
internal import Codecs
internal import EngineAPI

/// What `/openapi.json` serves.
enum OpenAPIDocument {
    /// One operation, as the description words it.
    struct Operation {
        var method: String
        var path: String
        var id: String
        var summary: String
        var requestType: String?
        var requestSchema: String?
        var answerType = "application/json"
        var answerSchema: String?
        /// The kinds of refusal that this operation knows besides "unavailable".
        var refusals: [EngineError.Kind] = []

        init(
            _ method: String,
            _ path: String,
            _ id: String,
            _ summary: String,
            takes request: (type: String, schema: String)? = nil,
            gives schema: String?,
            as answerType: String = "application/json",
            refuses refusals: [EngineError.Kind] = []
        ) {
            self.method = method
            self.path = path
            self.id = id
            self.summary = summary
            requestType = request?.type
            requestSchema = request?.schema
            answerSchema = schema
            self.answerType = answerType
            self.refusals = refusals
        }
    }

    private static let envelope = (type: "application/json", schema: "Envelope")
    private static let bytes = (type: "application/octet-stream", schema: "Bytes")
    private static let changes: [EngineError.Kind] = [.malformed, .forbidden, .notFound, .conflict, .tooLarge]

    /// Every operation.
    static let operations: [Operation] = [
        Operation("GET", "/v1/engine", "getEngine", "Who this engine is and by which rules it works", gives: "Engine"),
        Operation(
            "POST",
            "/v1/accounts",
            "changeAccount",
            "Open, credit or withdraw from an account, by a signed request (urn:assay:request:1)",
            takes: envelope,
            gives: "Account",
            refuses: changes + [.insufficientFunds]
        ),
        Operation(
            "GET",
            "/v1/accounts/{id}",
            "getAccount",
            "An account",
            gives: "Account",
            refuses: [.malformed, .notFound]
        ),
        Operation(
            "POST",
            "/v1/jobs",
            "submitJob",
            "Order a job: the money is held before the answer. Repeating the same order changes nothing",
            takes: (type: "application/json", schema: "Submission"),
            gives: "Job",
            refuses: changes + [.insufficientFunds, .refused]
        ),
        Operation("GET", "/v1/jobs", "listJobs", "Jobs, newest first", gives: "Jobs", refuses: [.malformed]),
        Operation(
            "GET",
            "/v1/jobs/{id}",
            "getJob",
            "Where a job stands",
            gives: "Job",
            refuses: [.malformed, .notFound]
        ),
        Operation(
            "PUT",
            "/v1/jobs/{id}/files/{cid}",
            "putFile",
            "Hand over a file that the spec names",
            takes: bytes,
            gives: "Job",
            refuses: changes
        ),
        Operation(
            "GET",
            "/v1/jobs/{id}/files/{cid}",
            "getFile",
            "A file of the job: an input, a source, or an output",
            gives: "Bytes",
            as: "application/octet-stream",
            refuses: [.malformed, .notFound]
        ),
        Operation(
            "POST",
            "/v1/jobs/{id}/topup",
            "topUpJob",
            "Add money and time to a metered job: a DSSE envelope over urn:assay:topup:1",
            takes: envelope,
            gives: "Job",
            refuses: changes + [.insufficientFunds, .refused]
        ),
        Operation(
            "POST",
            "/v1/jobs/{id}/close",
            "closeJob",
            "End a job on its requester's wish, by a signed request (urn:assay:request:1)",
            takes: envelope,
            gives: "Job",
            refuses: changes
        ),
        Operation(
            "GET",
            "/v1/jobs/{id}/receipt",
            "getReceipt",
            "The receipt bundle of a job that has ended",
            gives: "Bytes",
            as: "application/vnd.ipld.car; version=1",
            refuses: [.malformed, .notFound, .conflict]
        ),
        Operation(
            "GET",
            "/v1/receipts/{digest}/proof",
            "getLogProof",
            "The offline proof (c2sp.org/tlog-proof) that the receipt with this digest is in the engine's log",
            gives: "Bytes",
            as: "text/plain; charset=utf-8",
            refuses: [.malformed, .notFound]
        ),
        Operation(
            "GET",
            "/log/checkpoint",
            "getCheckpoint",
            "The signed checkpoint of the log of receipts (c2sp.org/tlog-tiles)",
            gives: "Bytes",
            as: "text/plain; charset=utf-8",
            refuses: [.notFound]
        ),
        Operation(
            "GET",
            "/log/tile/{path+}",
            "getTile",
            "A tile or an entry bundle of the log of receipts (c2sp.org/tlog-tiles)",
            gives: "Bytes",
            as: "application/octet-stream",
            refuses: [.notFound]
        ),
        Operation(
            "GET",
            "/v1/jobs/{id}/events",
            "watchJob",
            "Server-sent events: a 'job' event with the whole state per change, until the job has ended",
            gives: "Events",
            as: "text/event-stream",
            refuses: [.malformed, .notFound]
        ),
        Operation(
            "POST",
            "/v1/nodes",
            "callNode",
            "Register a node, poll for work or abandon a lease, by a signed request (urn:assay:request:1)",
            takes: envelope,
            gives: "LeasedWork",
            refuses: changes
        ),
        Operation("GET", "/v1/nodes", "listNodes", "The nodes that have registered", gives: "Nodes"),
        Operation(
            "POST",
            "/v1/jobs/{id}/reading",
            "readMeter",
            "Hand in a meter reading: a DSSE envelope over urn:assay:reading:1",
            takes: envelope,
            gives: "Job",
            refuses: changes + [.refused]
        ),
        Operation(
            "POST",
            "/v1/jobs/{id}/execution",
            "commitExecution",
            "Bind a node to its result",
            takes: (type: "application/json", schema: "Commitment"),
            gives: "Job",
            refuses: changes + [.refused]
        ),
        Operation(
            "PUT",
            "/v1/jobs/{id}/outputs/{cid}",
            "putOutput",
            "Hand over an output that the execution statement names",
            takes: bytes,
            gives: "Job",
            refuses: changes
        ),
        Operation(
            "POST",
            "/v1/validators",
            "callValidator",
            "Ask for an execution to verify, by a signed request",
            takes: envelope,
            gives: "VerificationWork",
            refuses: changes
        ),
        Operation(
            "POST",
            "/v1/jobs/{id}/verdict",
            "judgeExecution",
            "Hand in a verdict: a DSSE envelope over urn:assay:verdict:1",
            takes: envelope,
            gives: "Job",
            refuses: changes + [.refused]
        ),
        Operation("GET", "/healthz", "getHealth", "Whether the process is alive", gives: "Health"),
        Operation(
            "GET",
            "/readyz",
            "getReadiness",
            "Whether the engine takes work, and what is missing",
            gives: "Readiness"
        ),
        Operation("GET", "/version", "getVersion", "The version that runs", gives: "Version"),
        Operation(
            "GET",
            "/metrics",
            "getMetrics",
            "Counters and gauges in the Prometheus text format",
            gives: "Text",
            as: "text/plain"
        ),
        Operation("GET", "/openapi.json", "getDescription", "This document", gives: "Description"),
        Operation("GET", "/", "showOverview", "Dashboard: overview", gives: "Page", as: "text/html"),
        Operation("GET", "/jobs", "showJobs", "Dashboard: jobs", gives: "Page", as: "text/html", refuses: [.malformed]),
        Operation(
            "GET",
            "/jobs/{id}",
            "showJob",
            "Dashboard: one job with its timeline and settlement",
            gives: "Page",
            as: "text/html",
            refuses: [.malformed, .notFound]
        ),
        Operation("GET", "/nodes", "showNodes", "Dashboard: nodes", gives: "Page", as: "text/html"),
        Operation("GET", "/style.css", "getStyle", "The dashboard's style sheet", gives: "Text", as: "text/css"),
    ]

    /// The whole document.
    static func json(version: String) -> JSONValue {
        var paths = JSONObject()
        for operation in operations {
            var item: JSONObject
            if case .object(let known)? = paths[operation.path] { item = known } else { item = JSONObject() }
            item[operation.method.lowercased()] = json(operation)
            paths[operation.path] = .object(item)
        }
        return .object([
            "openapi": .string("3.1.0"),
            "info": .object([
                "title": .string("Assay engine"),
                "version": .string(version),
                "description": .string(
                    "Orders, leases, results, verdicts and receipts are signed documents (DSSE, in-toto Statement v1, "
                        + "Ed25519); the transport needs no trust. Amounts are decimal strings of minor units."
                ),
                "license": .object(["name": .string("Apache-2.0"), "identifier": .string("Apache-2.0")]),
            ]),
            "paths": .object(paths),
            "components": .object(["schemas": .object(OpenAPISchemas.all)]),
        ])
    }

    private static func json(_ operation: Operation) -> JSONValue {
        var object: JSONObject = ["operationId": .string(operation.id), "summary": .string(operation.summary)]
        let parameters = parameters(of: operation)
        if !parameters.isEmpty { object["parameters"] = .array(parameters) }
        if let type = operation.requestType, let schema = operation.requestSchema {
            object["requestBody"] = .object([
                "required": .bool(true),
                "content": content(type, schema),
            ])
        }
        var responses: JSONObject = [
            "200": .object([
                "description": .string("Done"),
                "content": content(operation.answerType, operation.answerSchema ?? "Text"),
            ])
        ]
        let isPage = operation.answerType == "text/html"
        for kind in operation.refusals + (operation.path.hasPrefix("/v1/") || isPage ? [.unavailable] : []) {
            let error = EngineError(kind, "", "")
            responses[String(error.status)] = .object([
                "description": .string(words(kind)),
                "content": isPage ? content("text/html", "Page") : content("application/problem+json", "Problem"),
            ])
        }
        if operation.path == "/readyz" {
            responses["503"] = .object([
                "description": .string("Not ready"),
                "content": content("application/json", "Readiness"),
            ])
        }
        object["responses"] = .object(responses)
        return .object(object)
    }

    private static func parameters(of operation: Operation) -> [JSONValue] {
        var list: [JSONValue] = []
        for part in operation.path.split(separator: "/") where part.hasPrefix("{") {
            let name = String(part.dropFirst().dropLast())
            let isAccount = operation.path.contains("/accounts/")
            let schema =
                switch name {
                case "cid": "CID"
                case "path+": "TilePath"
                case "digest": "Digest"
                default: isAccount ? "AccountID" : "JobID"
                }
            list.append(
                .object([
                    "name": .string(name), "in": .string("path"), "required": .bool(true), "schema": reference(schema),
                ])
            )
        }
        if operation.path == "/v1/jobs" && operation.method == "GET" || operation.path == "/jobs" {
            list.append(
                .object([
                    "name": .string("limit"), "in": .string("query"), "required": .bool(false),
                    "schema": .object([
                        "type": .string("integer"), "minimum": .integer(1), "maximum": .integer(1000),
                        "default": .integer(100),
                    ]),
                ])
            )
        }
        return list
    }

    private static func content(_ type: String, _ schema: String) -> JSONValue {
        .object([type: .object(["schema": reference(schema)])])
    }

    static func reference(_ schema: String) -> JSONValue {
        .object(["$ref": .string("#/components/schemas/\(schema)")])
    }

    private static func words(_ kind: EngineError.Kind) -> String {
        switch kind {
        case .malformed: "The request or a document in it is malformed"
        case .forbidden: "A signature does not verify, or the signer may not do this"
        case .notFound: "There is no such thing"
        case .conflict: "The same id was used with another content, or the thing is in another state"
        case .insufficientFunds: "Not enough money"
        case .refused: "Well formed, and the engine's rules refuse it"
        case .tooLarge: "More than the engine takes"
        case .unavailable: "The engine cannot do it now"
        }
    }
}
