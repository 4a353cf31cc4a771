// Where a coordinator listens. Only ipc:// is spoken here: a socket file in a folder with mode 0700 needs no keys. A
// tcp endpoint is refused until keys and an allow-list exist, because anyone on the host could connect to it.

import Basics

package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// A socket address of the kernel holds 108 bytes; some systems less.
    package static let pathBytesMax = 100

    package let text: String

    package init(_ text: String) throws(TransportError) {
        if text.hasPrefix("tcp://") { throw .tcpNeedsKeys(endpoint: text) }
        let scheme = "ipc://"
        guard text.hasPrefix(scheme) else { throw .unknownEndpoint(text) }
        let path = String(text.dropFirst(scheme.count))
        guard path.hasPrefix("/"), !path.utf8.contains(0) else { throw .ipcPathNotAbsolute(path) }
        guard path.utf8.count < Endpoint.pathBytesMax else {
            throw .ipcPathTooLong(path: path, bytes: path.utf8.count, limit: Endpoint.pathBytesMax)
        }
        self.text = text
    }

    package var path: String { String(text.dropFirst("ipc://".count)) }
    package var description: String { text }
}
