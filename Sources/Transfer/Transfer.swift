// One HTTP exchange through libcurl: bounded in time and in bytes, no redirects, only http and https. Every libcurl pointer
// stays in this file.
internal import CCurl

/// What is sent.
public struct TransferRequest: Sendable {
    /// `GET`, `POST`, `PUT`.
    public var method: String
    /// The whole URL.
    public var url: String
    /// What is sent along; `nil` for nothing.
    public var body: [UInt8]?
    /// The type of `body`.
    public var contentType: String
    /// The most bytes of an answer; reception stops beyond.
    public var maxResponseBytes: Int
    /// The longest that the whole exchange may take.
    public var timeoutMilliseconds: Int
    /// The longest that making the connection may take.
    public var connectMilliseconds: Int
    /// For how many seconds not a byte may move; 0 for any time.
    public var stallSeconds: Int

    /// Names everything.
    public init(
        method: String,
        url: String,
        body: [UInt8]?,
        contentType: String,
        maxResponseBytes: Int,
        timeoutMilliseconds: Int,
        connectMilliseconds: Int,
        stallSeconds: Int = 0
    ) {
        self.method = method
        self.url = url
        self.body = body
        self.contentType = contentType
        self.maxResponseBytes = maxResponseBytes
        self.timeoutMilliseconds = timeoutMilliseconds
        self.connectMilliseconds = connectMilliseconds
        self.stallSeconds = stallSeconds
    }
}

/// What came back.
public struct TransferResponse: Sendable {
    /// The HTTP status.
    public var status: Int
    /// The type that the answer states; empty for none.
    public var contentType: String
    /// The header fields, names in lower case; of a field that stands twice, the last.
    public var headers: [String: String]
    /// The whole body.
    public var body: [UInt8]
}

/// Why nothing usable came back.
public enum TransferError: Error, Equatable {
    /// No connection, or it broke.
    case unreachable(String)
    /// It took longer than allowed.
    case timeout
    /// The answer is longer than allowed.
    case tooLarge
    /// The caller gave up.
    case cancelled
}

/// A libcurl handle, which keeps its connections open between exchanges. For one thread at a time.
final class TransferHandle {
    private let handle: UnsafeMutableRawPointer

    /// - Returns: `nil` when libcurl has no memory.
    init?() {
        guard Self.isReady, let handle = curl_easy_init() else { return nil }
        self.handle = handle
    }

    deinit {
        curl_easy_cleanup(handle)
    }

    /// libcurl's global state, made once before the first handle.
    private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// What libcurl's callbacks see of an exchange.
    private final class Reception {
        var body: [UInt8] = []
        var headers: [String: String] = [:]
        var headerBytes = 0
        let limit: Int
        var isTooLarge = false
        let isCancelled: () -> Bool

        init(limit: Int, isCancelled: @escaping () -> Bool) {
            self.limit = limit
            self.isCancelled = isCancelled
        }
    }

    /// Sends a request and waits for the whole answer.
    func perform(
        _ request: TransferRequest,
        isCancelled: @escaping () -> Bool
    ) throws(TransferError) -> TransferResponse {
        // Keeps connections and drops every option of the exchange before.
        curl_easy_reset(handle)
        let reception = Reception(limit: request.maxResponseBytes, isCancelled: isCancelled)
        let headers = Self.headers(for: request)
        defer { curl_slist_free_all(headers) }
        var detail = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
        let (code, response) = detail.withUnsafeMutableBufferPointer { detail in
            withExtendedLifetime(reception) {
                exchange(request, reception, headers, detail.baseAddress)
            }
        }
        if let response { return response }
        if reception.isTooLarge || code == CURLE_FILESIZE_EXCEEDED { throw .tooLarge }
        if code == CURLE_ABORTED_BY_CALLBACK { throw .cancelled }
        if code == CURLE_OPERATION_TIMEDOUT { throw .timeout }
        let text = String(decoding: detail.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        throw .unreachable(text.isEmpty ? String(cString: curl_easy_strerror(code)) : text)
    }

    private static func headers(for request: TransferRequest) -> UnsafeMutablePointer<curl_slist>? {
        // An empty Expect keeps libcurl from waiting a second for "100 Continue" before it sends a file.
        var list = curl_slist_append(nil, "Expect:")
        list = curl_slist_append(list, "Accept: application/json, application/octet-stream, */*;q=0.1")
        if request.body != nil { list = curl_slist_append(list, "Content-Type: \(request.contentType)") }
        return list
    }

    private func exchange(
        _ request: TransferRequest,
        _ reception: Reception,
        _ headers: UnsafeMutablePointer<curl_slist>?,
        _ detail: UnsafeMutablePointer<CChar>?
    ) -> (CURLcode, TransferResponse?) {
        let context = Unmanaged.passUnretained(reception).toOpaque()
        var codes = [
            assay_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, detail),
            assay_curl_set_string(handle, CURLOPT_URL, request.url),
            assay_curl_allow_only_http(handle),
            assay_curl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0),
            // Signals would hit whatever thread; timeouts work without them.
            assay_curl_set_long(handle, CURLOPT_NOSIGNAL, 1),
            assay_curl_set_long(handle, CURLOPT_NOPROGRESS, 0),
            assay_curl_set_long(handle, CURLOPT_TIMEOUT_MS, request.timeoutMilliseconds),
            assay_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, request.connectMilliseconds),
            assay_curl_set_long(handle, CURLOPT_LOW_SPEED_LIMIT, request.stallSeconds > 0 ? 1 : 0),
            assay_curl_set_long(handle, CURLOPT_LOW_SPEED_TIME, request.stallSeconds),
            assay_curl_set_offset(handle, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(request.maxResponseBytes)),
            assay_curl_set_string(handle, CURLOPT_CUSTOMREQUEST, request.method),
            assay_curl_set_string(handle, CURLOPT_USERAGENT, "assay"),
            assay_curl_set_pointer(handle, CURLOPT_HTTPHEADER, headers),
            assay_curl_set_write(handle, Self.receive, context),
            assay_curl_set_header(handle, Self.receiveHeader, context),
            assay_curl_set_progress(handle, Self.progress, context),
        ]
        // What this machine serves is nobody else's to carry.
        if ServiceAddress.isLoopback(url: request.url) {
            codes.append(assay_curl_set_string(handle, CURLOPT_NOPROXY, "*"))
        }
        if let failed = codes.first(where: { $0 != CURLE_OK }) { return (failed, nil) }
        // libcurl reads the body where it lies; the array must stay until the exchange is over.
        let code = (request.body ?? []).withUnsafeBytes { bytes in
            if request.body != nil {
                // A null pointer would make libcurl ask a read callback for the body.
                let start = bytes.baseAddress ?? UnsafeRawPointer(handle)
                _ = assay_curl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
                _ = assay_curl_set_pointer(handle, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: start))
                _ = assay_curl_set_string(handle, CURLOPT_CUSTOMREQUEST, request.method)
            }
            return curl_easy_perform(handle)
        }
        guard code == CURLE_OK else { return (code, nil) }
        var status = 0
        var type: UnsafeMutablePointer<CChar>?
        _ = assay_curl_status(handle, &status)
        _ = assay_curl_content_type(handle, &type)
        let contentType = type.map { String(cString: $0) } ?? ""
        let response = TransferResponse(
            status: status,
            contentType: contentType,
            headers: reception.headers,
            body: reception.body
        )
        return (code, response)
    }

    /// Appends received bytes; a shorter count than was offered makes libcurl stop.
    private static let receive: assay_curl_write_function = { bytes, size, count, context in
        guard let bytes, let context else { return 0 }
        let reception = Unmanaged<Reception>.fromOpaque(context).takeUnretainedValue()
        let total = size * count
        guard total <= reception.limit - reception.body.count else {
            reception.isTooLarge = true
            return 0
        }
        reception.body.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: total))
        return total
    }

    /// The most bytes of all header lines together: an issuer chain has some thousand.
    private static let maxHeaderBytes = 64 << 10

    /// Keeps one header line. A status line begins a new set: what came with an interim answer does not count.
    private static let receiveHeader: assay_curl_write_function = { bytes, size, count, context in
        guard let bytes, let context else { return 0 }
        let reception = Unmanaged<Reception>.fromOpaque(context).takeUnretainedValue()
        let total = size * count
        reception.headerBytes += total
        guard reception.headerBytes <= maxHeaderBytes else {
            reception.isTooLarge = true
            return 0
        }
        let line = String(decoding: UnsafeRawBufferPointer(start: bytes, count: total), as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            reception.headers = [:]
        } else if let colon = line.firstIndex(of: ":") {
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            reception.headers[line[..<colon].lowercased()] = String(value.prefix { !$0.isNewline })
        }
        return total
    }

    /// libcurl asks this at least once a second; another answer than 0 stops the exchange.
    private static let progress: curl_xferinfo_callback = { context, _, _, _, _ in
        guard let context else { return 1 }
        return Unmanaged<Reception>.fromOpaque(context).takeUnretainedValue().isCancelled() ? 1 : 0
    }
}
