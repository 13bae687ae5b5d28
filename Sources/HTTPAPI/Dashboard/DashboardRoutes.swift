// The dashboard's pages: overview, jobs, nodes. All of it is rendered here and works without a script.
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Signatures

extension Surface {
    /// The pages and their style sheet.
    var dashboardRoutes: [Route] {
        let version = settings.version
        return [
            Route("GET", "/") { [self] _ async throws(EngineError) in
                try await overview().response(version: version)
            },
            Route("GET", "/jobs") { [self] request async throws(EngineError) in
                try await jobsPage(limit: try Self.limit(request)).response(version: version)
            },
            Route("GET", "/jobs/{id}") { [self] request async throws(EngineError) in
                try await jobPage(try Self.job(request)).response(version: version)
            },
            Route("GET", "/nodes") { [self] _ async throws(EngineError) in
                try await nodesPage().response(version: version)
            },
            Route("GET", "/style.css") { _ in
                var response = OutgoingResponse.text(StyleSheet.text, contentType: "text/css; charset=utf-8")
                response.headers = [("Cache-Control", "max-age=300")]
                return response
            },
        ]
    }

    /// A refusal as a page.
    func errorPage(_ error: EngineError) -> OutgoingResponse {
        let detail: HTML =
            error.field.isEmpty
            ? .empty : "<p class=\"lead\">\(error.field): expected \(error.expected), found \(error.actual)</p>"
        let content: HTML =
            "<h1>This page cannot be shown</h1><p>\(error.message)</p>\(detail)<p><code>\(error.id)</code></p>"
        return Page(title: "Error", content: content).response(version: settings.version, status: error.status)
    }

    private func overview() async throws(EngineError) -> Page {
        let engine = try await api.engine()
        let jobs = try await api.jobs(limit: 1000)
        let nodes = try await api.nodes()
        let ended = jobs.filter(\.isFinal)
        let accepted = ended.count { $0.outcome == "accepted" }
        let paid = ended.reduce(Int64(0)) { $0 &+ ($1.paid ?? 0) }
        let held = jobs.filter { !$0.isFinal }.reduce(Int64(0)) { $0 &+ $1.held }
        let scope: HTML = jobs.count == 1000 ? " <small>of the latest 1000</small>" : .empty
        let content: HTML = """
            <h1>Verified compute on this engine</h1>
            <p class="lead">A job is paid only when validators have computed it again and found the same bits. Every end has a
            receipt that anyone can check offline.</p>
            <dl class="cards">
            <div class="card"><dt>Open jobs</dt><dd>\(jobs.count - ended.count)</dd></div>
            <div class="card"><dt>Accepted</dt><dd>\(accepted)\(scope)</dd></div>
            <div class="card"><dt>Ended otherwise</dt><dd>\(ended.count - accepted)\(scope)</dd></div>
            <div class="card"><dt>Nodes online</dt><dd>\(nodes.count(where: \.isOnline)) <small>of \(nodes.count)</small></dd></div>
            <div class="card"><dt>Held for open jobs</dt><dd>\(.amount(held)) <small>\(engine.currency)</small></dd></div>
            <div class="card"><dt>Paid out</dt><dd>\(.amount(paid)) <small>\(engine.currency)</small></dd></div>
            </dl>
            <h2>Latest jobs</h2>
            \(Self.table(of: Array(jobs.prefix(10)), currency: engine.currency))
            <h2>Engine</h2>
            <div class="panel"><dl class="facts">
            <dt>Key</dt><dd><code>\(engine.engine.text)</code></dd>
            <dt>Validators</dt><dd>\(engine.validators.map { "<code>\($0.text)</code><br>" as HTML })</dd>
            <dt>Currency</dt><dd>\(engine.currency), in minor units</dd>
            \(engine.standing.map(Self.standing(of:)) ?? .empty)
            <dt>Version</dt><dd>\(engine.version)</dd>
            </dl></div>
            """
        return Page(title: "Overview", place: .overview, refreshSeconds: 10, content: content)
    }

    /// Whether this process settles or stands by, and where the one that settles is.
    private static func standing(of standing: EngineStanding) -> HTML {
        switch standing.role {
        case .leader:
            "<dt>This process</dt><dd>\(standing.name) leads, epoch \(standing.epoch ?? 0)</dd>"
        case .standby:
            """
            <dt>This process</dt><dd>\(standing.name) stands by: it shows what has ended and takes no orders.
            Leader: \(standing.leader ?? "none at the moment")</dd>
            """
        }
    }

    private func jobsPage(limit: Int) async throws(EngineError) -> Page {
        let engine = try await api.engine()
        let jobs = try await api.jobs(limit: limit)
        let content: HTML = """
            <h1>Jobs</h1><p class="lead">Newest first. Amounts are minor units of \(engine.currency).</p>
            \(Self.table(of: jobs, currency: engine.currency))
            """
        return Page(title: "Jobs", place: .jobs, refreshSeconds: 10, content: content)
    }

    private static func table(of jobs: [JobView], currency: String) -> HTML {
        guard !jobs.isEmpty else {
            return "<div class=\"panel\"><p class=\"empty\">No job has been ordered yet.</p></div>"
        }
        let rows = jobs.map { job -> HTML in
            """
            <tr><th scope="row"><a href="/jobs/\(job.id.hex)">\(job.name)</a><br>\(.short(job.id.hex))</th>
            <td>\(.state(of: job))</td><td>\(job.reason)</td><td class="number">\(job.attempt)</td>
            <td class="number">\(.amount(job.held))</td><td class="number">\(job.paid.map { .amount($0) } ?? "–")</td></tr>
            """
        }
        return """
            <div class="panel"><table><caption>\(jobs.count) \(jobs.count == 1 ? "job" : "jobs")</caption>
            <thead><tr><th scope="col">Job</th><th scope="col">State</th><th scope="col">Why</th>
            <th scope="col" class="number">Attempt</th><th scope="col" class="number">Held</th>
            <th scope="col" class="number">Paid</th></tr></thead>
            <tbody>\(rows)</tbody></table></div>
            """
    }

    private func nodesPage() async throws(EngineError) -> Page {
        let nodes = try await api.nodes()
        let rows = nodes.map { node -> HTML in
            let state: HTML =
                node.isOnline
                ? "<span class=\"state good\">✓ Online</span>" : "<span class=\"state\">○ Not heard of lately</span>"
            let job: HTML = node.job.map { "<a href=\"/jobs/\($0.hex)\">\(.short($0.hex))</a>" } ?? "none"
            return """
                <tr><th scope="row">\(.short(node.key.text, digits: 16))</th><td>\(state)</td><td>\(node.deviceType)</td>
                <td class="number">\(Self.mebibytes(node.memoryBytes)) MiB</td>
                <td class="number">\(.amount(node.askPerMegaUnit))</td><td>\(job)</td></tr>
                """
        }
        let table: HTML =
            nodes.isEmpty
            ? "<div class=\"panel\"><p class=\"empty\">No node has registered yet.</p></div>"
            : """
            <div class="panel"><table><caption>\(nodes.count) registered</caption>
            <thead><tr><th scope="col">Node</th><th scope="col">State</th><th scope="col">Device</th>
            <th scope="col" class="number">Memory</th><th scope="col" class="number">Price per 10⁶ work units</th>
            <th scope="col">Works on</th></tr></thead><tbody>\(rows)</tbody></table></div>
            """
        let content: HTML = """
            <h1>Nodes</h1><p class="lead">Who offers devices, and for how much. A node that is rejected loses its stake for that
            job.</p>\(table)
            """
        return Page(title: "Nodes", place: .nodes, refreshSeconds: 10, content: content)
    }

    private static func mebibytes(_ bytes: UInt64) -> HTML {
        .amount(bytes >> 20)
    }
}
