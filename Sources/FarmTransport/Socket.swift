// A libzmq socket that lives and dies on one thread. Two kinds are used: the coordinator's ROUTER, which names peers,
// and the DEALER of workers and clients. High-water marks are small because credit, not queues, is the flow control; a
// message that cannot go out is reported and dropped, since every message is restated anyway.
//
// ROUTER: one frame with the peer's identity, one with the message. DEALER: one frame. Anything else is dropped.

import Basics
import CZeroMQ
import FarmCore
import Glibc

/// A libzmq context: may be used from any thread; ends when its last socket is closed.
final class QueueContext: @unchecked Sendable {  // zmq contexts are thread safe by libzmq's documentation
    fileprivate let raw: UnsafeMutableRawPointer

    init() throws(TransportError) {
        guard let raw = zmq_ctx_new() else { throw .queue(call: "zmq_ctx_new", endpoint: "", code: zmq_errno()) }
        zmq_ctx_set(raw, ZMQ_IO_THREADS, 1)
        self.raw = raw
    }

    deinit { zmq_ctx_term(raw) }
}

/// Not `Sendable` on purpose; traps when used on another thread than its own.
struct Socket: ~Copyable {
    enum Kind: Hashable {
        case router
        case worker(identity: [UInt8])
        case client(identity: [UInt8])
    }

    enum Sent: Hashable {
        case sent
        /// No such peer.
        case unreachable
        /// No connection yet, or its queue is full.
        case full
    }

    private let context: QueueContext
    private let owner: pthread_t
    let raw: UnsafeMutableRawPointer

    /// Binds a router, connects a dealer.
    init(_ kind: Kind, at endpoint: Endpoint, in context: QueueContext) throws(TransportError) {
        let type: Int32
        switch kind {
        case .router: type = ZMQ_ROUTER
        case .worker, .client: type = ZMQ_DEALER
        }
        guard let raw = zmq_socket(context.raw, type) else {
            throw .queue(call: "zmq_socket", endpoint: endpoint.text, code: zmq_errno())
        }
        do {
            try SocketSetup(raw: raw, endpoint: endpoint.text).open(kind)
        } catch {
            zmq_close(raw)
            throw error
        }
        self.context = context
        self.raw = raw
        owner = pthread_self()
    }

    deinit { zmq_close(raw) }

    /// Sends to the coordinator.
    func send(_ message: Message) -> Sent { send(frames: [message.bytes]) }

    /// Sends from the coordinator to one peer.
    func send(_ message: Message, to peer: PeerID) -> Sent { send(frames: [peer.bytes, message.bytes]) }

    private func send(frames: [[UInt8]]) -> Sent {
        checkThread()
        for (index, frame) in frames.enumerated() {
            let flags = ZMQ_DONTWAIT | (index + 1 < frames.count ? ZMQ_SNDMORE : 0)
            var code: Int32
            repeat {
                code = frame.withUnsafeBytes { zmq_send(raw, $0.baseAddress, $0.count, flags) }
            } while code < 0 && zmq_errno() == EINTR
            if code < 0 { return zmq_errno() == EHOSTUNREACH ? .unreachable : .full }
        }
        return .sent
    }

    /// Takes one waiting message: its frames, or `nil` if there is none.
    func receive() -> [[UInt8]]? {
        checkThread()
        var frames: [[UInt8]] = []
        var message = zmq_msg_t()
        while true {
            zmq_msg_init(&message)
            defer { zmq_msg_close(&message) }
            var code: Int32
            repeat { code = zmq_msg_recv(&message, raw, ZMQ_DONTWAIT) } while code < 0 && zmq_errno() == EINTR
            guard code >= 0 else { return nil }
            let count = zmq_msg_size(&message)
            let bytes = UnsafeRawBufferPointer(start: zmq_msg_data(&message), count: count)
            frames.append(Array(bytes))
            if zmq_msg_more(&message) == 0 { return frames }
        }
    }

    private func checkThread() {
        precondition(pthread_equal(owner, pthread_self()) != 0, "a socket is used on the thread that made it")
    }
}

/// Options and address of a new socket.
private struct SocketSetup {
    let raw: UnsafeMutableRawPointer
    let endpoint: String

    func open(_ kind: Socket.Kind) throws(TransportError) {
        try set(ZMQ_SNDHWM, 64)
        try set(ZMQ_RCVHWM, 64)
        try set(ZMQ_LINGER, 1000)
        try set(ZMQ_HEARTBEAT_IVL, 2000)
        try set(ZMQ_HEARTBEAT_TIMEOUT, 6000)
        try set(ZMQ_HEARTBEAT_TTL, 6000)
        try set(ZMQ_HANDSHAKE_IVL, 5000)
        var limit = Int64(FarmLimits.messageBytesMax)
        try check(zmq_setsockopt(raw, ZMQ_MAXMSGSIZE, &limit, 8), "zmq_setsockopt")
        switch kind {
        case .router:
            try set(ZMQ_ROUTER_MANDATORY, 1)
            try set(ZMQ_BACKLOG, 1024)
            try check(zmq_bind(raw, endpoint), "zmq_bind")
        case .worker(let identity):
            // a state that is out of date must not wait for a coordinator that comes back
            try set(ZMQ_IMMEDIATE, 1)
            try connect(identity)
        case .client(let identity):
            // with IMMEDIATE, libzmq forgets what it has received and not handed over when the peer goes: the answer
            // to a drain would be lost now and then
            try set(ZMQ_LINGER, 0)
            try connect(identity)
        }
    }

    private func connect(_ identity: [UInt8]) throws(TransportError) {
        precondition((1...255).contains(identity.count) && identity[0] != 0, "an identity is 1 to 255 bytes")
        try set(ZMQ_RECONNECT_IVL, 100)
        try set(ZMQ_RECONNECT_IVL_MAX, 5000)
        let code = identity.withUnsafeBytes { zmq_setsockopt(raw, ZMQ_ROUTING_ID, $0.baseAddress, $0.count) }
        try check(code, "zmq_setsockopt")
        try check(zmq_connect(raw, endpoint), "zmq_connect")
    }

    private func set(_ option: Int32, _ value: Int32) throws(TransportError) {
        var value = value
        try check(zmq_setsockopt(raw, option, &value, MemoryLayout<Int32>.size), "zmq_setsockopt")
    }

    private func check(_ code: Int32, _ call: String) throws(TransportError) {
        if code != 0 { throw .queue(call: call, endpoint: endpoint, code: zmq_errno()) }
    }
}
