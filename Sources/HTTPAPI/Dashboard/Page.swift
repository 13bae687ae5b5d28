// What all pages share: the frame, the headers, names of states, amounts, times.
internal import Codecs
internal import EngineAPI

/// The frame of a page.
struct Page: Sendable {
    /// The entries of the navigation.
    enum Place: String, CaseIterable {
        case overview = "Overview"
        case jobs = "Jobs"
        case nodes = "Nodes"

        var path: HTML {
            switch self {
            case .overview: "/"
            case .jobs: "/jobs"
            case .nodes: "/nodes"
            }
        }
    }

    var title: String
    var place: Place?
    /// Seconds after which the browser asks again; `nil` for pages that do not change.
    var refreshSeconds: Int?
    var content: HTML

    /// Nothing is loaded but this server's own style sheet; no script runs; no other site may frame a page.
    static let contentSecurityPolicy =
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// The page as an answer.
    func response(version: String, status: Int = 200) -> OutgoingResponse {
        let refresh: HTML = refreshSeconds.map { "<meta http-equiv=\"refresh\" content=\"\($0)\">" } ?? .empty
        let links = Place.allCases.map { place -> HTML in
            let current: HTML = place == self.place ? " aria-current=\"page\"" : .empty
            return "<li><a href=\"\(place.path)\"\(current)>\(place.rawValue)</a></li>"
        }
        let html: HTML = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            \(refresh)
            <title>\(title) · Assay</title>
            <link rel="stylesheet" href="/style.css">
            </head>
            <body>
            <a class="skip" href="#content">Skip to the content</a>
            <header><div><a class="brand" href="/">Assay</a><nav aria-label="Main"><ul>\(links)</ul></nav></div></header>
            <main id="content">
            \(content)
            </main>
            <footer>Assay engine \(version) · <a href="/openapi.json">OpenAPI</a> · <a href="/metrics">Metrics</a></footer>
            </body>
            </html>

            """
        return OutgoingResponse(
            status: status,
            contentType: "text/html; charset=utf-8",
            headers: [
                ("Cache-Control", "no-store"), ("Content-Security-Policy", Self.contentSecurityPolicy),
                ("Referrer-Policy", "no-referrer"),
            ],
            body: .bytes(Array(html.text.utf8))
        )
    }
}

extension HTML {
    /// A job's state in a word, with a mark, so that nothing hangs on colour alone.
    static func state(of job: JobView) -> HTML {
        switch (job.phase, job.outcome) {
        case ("final", "accepted"?): "<span class=\"state good\">✓ Accepted</span>"
        case ("final", "rejected"?): "<span class=\"state bad\">✕ Rejected</span>"
        case ("final", "requesterFault"?): "<span class=\"state bad\">✕ Requester’s fault</span>"
        case ("final", "inconclusive"?): "<span class=\"state wait\">? Inconclusive</span>"
        case ("final", _): "<span class=\"state\">Ended</span>"
        case ("funded", _): "<span class=\"state wait\">○ Waiting for files</span>"
        case ("offered", _): "<span class=\"state wait\">○ Waiting for a node</span>"
        case ("assigned", _): "<span class=\"state\">▸ Running</span>"
        case ("committed", _): "<span class=\"state\">▸ Waiting for a validator</span>"
        case ("verifying", _): "<span class=\"state\">▸ Being verified</span>"
        case ("judged", _): "<span class=\"state wait\">○ Waiting for its gang</span>"
        case (let phase, _): "<span class=\"state\">\(phase)</span>"
        }
    }

    /// An amount of minor units with thin spaces between thousands.
    static func amount(_ amount: some BinaryInteger, _ currency: String = "") -> HTML {
        let digits = String(amount.magnitude)
        var grouped = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { grouped += "\u{202f}" }
            grouped.append(digit)
        }
        let text = (amount < 0 ? "−" : "") + grouped
        return currency.isEmpty ? "\(text)" : "\(text) \(currency)"
    }

    /// A point in time.
    static func time(_ seconds: Int64) -> HTML {
        let text = Timestamp.text(seconds)
        let shown = text.replacing("T", with: " ").replacing("Z", with: " UTC")
        return "<time datetime=\"\(text)\">\(shown)</time>"
    }

    /// The first digits of a long name, with the whole of it for whoever points at it.
    static func short(_ name: String, digits: Int = 12) -> HTML {
        let head = name.hasPrefix("ed25519:") ? String(name.dropFirst(8).prefix(digits)) : String(name.prefix(digits))
        return "<code title=\"\(name)\">\(head)…</code>"
    }
}
