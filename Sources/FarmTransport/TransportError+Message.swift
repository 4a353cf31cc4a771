// The sentences of FarmTransport.

import Basics
import CZeroMQ
import FarmCore
import Glibc

extension TransportError: Explained {
    package var sentence: String {
        switch self {
        case .tcpNeedsKeys(let endpoint):
            return "\(escaped(endpoint)) is refused: a tcp endpoint, loopback included, needs keys, and this build "
                + "cannot use keys; use an ipc:// endpoint in a folder that only you may enter"
        case .unknownEndpoint(let text):
            return "\"\(escaped(text))\" is no endpoint; write ipc:///ABSOLUTE/PATH"
        case .ipcPathTooLong(let path, let bytes, let limit):
            return "the socket path \(escaped(path)) has \(bytes) bytes and must stay under \(limit); "
                + "use a shorter folder, for example below /tmp"
        case .ipcPathNotAbsolute(let path):
            return "the socket path \(escaped(path)) is not absolute; write ipc:///ABSOLUTE/PATH"
        case .queue(let call, let endpoint, let code):
            let reason = String(cString: zmq_strerror(code))
            return "\(call) failed for \(escaped(endpoint)): \(reason)"
        case .system(let call, let code):
            return "\(call) failed: \(String(cString: strerror(code)))"
        }
    }
}

extension ClientError: Explained {
    package var sentence: String {
        switch self {
        case .transport(let error): return error.sentence
        case .noAnswer(let endpoint, let seconds):
            return "no coordinator answered at \(escaped(endpoint)) within \(seconds) s; "
                + "check that one is running there"
        case .rejected(let reason): return escaped(reason)
        case .refused(let reason): return "the coordinator refused to talk: \(escaped(reason))"
        case .unreadable(let error): return error.sentence
        }
    }
}

extension PersistFailure: Explained {
    package var sentence: String { "records could not be written: \(escaped(reason))" }
}
