// What can go wrong between processes. Facts here, sentences in TransportError+Message.swift.

import Basics
import FarmCore

package enum TransportError: Error, Equatable, Sendable {
    case tcpNeedsKeys(endpoint: String)
    case unknownEndpoint(String)
    case ipcPathTooLong(path: String, bytes: Int, limit: Int)
    case ipcPathNotAbsolute(String)
    /// A libzmq call failed.
    case queue(call: String, endpoint: String, code: Int32)
    /// A system call failed.
    case system(call: String, code: Int32)
}

/// Why a client got no answer that helps.
package enum ClientError: Error, Equatable, Sendable {
    case transport(TransportError)
    case noAnswer(endpoint: String, seconds: Int)
    case rejected(String)
    /// Another version of the farm, or no farm.
    case refused(String)
    case unreadable(MessageError)
}

/// Why a store did not make records durable.
package struct PersistFailure: Error, Equatable, Sendable {
    package var reason: String
    package init(_ reason: String) { self.reason = reason }
}
