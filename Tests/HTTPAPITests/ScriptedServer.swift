// A server that reads one request and answers with given bytes, right or wrong.
import EngineAPI
import Foundation
import Glibc

enum ScriptedServer {
    /// Listens on a free port and answers the first connection; an empty answer is silence until the client leaves.
    static func answerOnce(_ answer: String) throws -> Int {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 4) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard bound else { throw EngineError(.unavailable, "test.listen", "no port") }
        let port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread {
            let connection = accept(listener, nil, nil)
            var buffer = [UInt8](repeating: 0, count: 65_536)
            _ = recv(connection, &buffer, buffer.count, 0)
            let bytes = Array(answer.utf8)
            if bytes.isEmpty {
                while recv(connection, &buffer, buffer.count, 0) > 0 {}
            } else {
                _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            }
            close(connection)
            close(listener)
        }
        return port
    }
}
