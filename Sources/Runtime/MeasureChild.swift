// One living measuring child: its process, its control socket, the memory that both see, and which objects it holds
// open. A child that crashed, hung or answered nonsense is not used again: the owner drops it and starts another.
// Must be used on the thread that started it (the parent-death signal is tied to that thread).

import Basics
import CSystem
import Glibc

/// Memory shared with a child; sealed against shrinking, so that the child cannot make our reads fault.
final class SharedMemory {
    let descriptor: Int32
    private(set) var base: UnsafeMutableRawPointer?
    private(set) var bytes = 0

    init?() {
        descriptor = iw_memfd("ironworks-operands", 0)
        if descriptor < 0 { return nil }
    }

    /// Makes at least `count` bytes addressable; false when there is no memory for them.
    func grow(to count: Int) -> Bool {
        if count <= bytes { return true }
        guard iw_memfd_grow(descriptor, UInt64(count)) == 0 else { return false }
        if let base { munmap(base, bytes) }
        (base, bytes) = (nil, 0)
        let mapped = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let mapped, mapped != MAP_FAILED else { return false }
        (base, bytes) = (mapped, count)
        return true
    }

    deinit {
        if let base { munmap(base, bytes) }
        close(descriptor)
    }
}

final class MeasureChild {
    /// Hardening that is in force.
    let sandbox: Sandbox
    private let process: ChildProcess
    private let socket: Int32
    private var ended = false
    private var sequence: UInt64 = 0
    private var slots: [(path: String, lastUse: UInt64)?] = Array(repeating: nil, count: Int(IW_SLOTS_MAX))
    private let reply: UnsafeMutablePointer<iw_reply>

    /// Starts a child and waits for its greeting.
    init(_ configuration: ChildMeasurer.Configuration, memory: SharedMemory) throws(MeasureChildError) {
        var ends: [Int32] = [-1, -1]
        let paired = iw_socket_pair(&ends)
        guard paired == 0 else { throw MeasureChildError(reason: "no socket pair, error \(paired)") }
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer {
            close(ends[1])
            if null >= 0 { close(null) }
        }
        var options = ChildProcess.Options()
        options.descriptors = [
            (null, 0), (null, 1), (ends[1], Int32(IW_MEASURE_SOCKET)), (memory.descriptor, Int32(IW_MEASURE_MEMORY)),
        ]
        do {
            process = try ChildProcess.start(
                configuration.executablePath, arguments: configuration.childArguments,
                environment: configuration.environment, options)
        } catch {
            close(ends[0])
            throw MeasureChildError(reason: error.sentence)
        }
        socket = ends[0]
        reply = .allocate(capacity: 1)
        reply.initialize(to: iw_reply())
        close(ends[1])
        ends[1] = -1
        let code = iw_measure_hello(socket, reply, Int64(configuration.helloTimeoutMs))
        sandbox = Sandbox(bits: reply.pointee.hardening)
        guard code == 0, reply.pointee.status == UInt32(IW_OK) else {
            let greeted = code == 0
            end()
            let path = configuration.executablePath
            throw MeasureChildError(
                reason: greeted
                    ? "this kernel refuses the system-call filter"
                    : "\(path) did not greet (error \(code)); does its main enter the measuring child first?")
        }
    }

    deinit {
        end()
        close(socket)
        reply.deallocate()
    }

    /// Sends a request and waits. On anything but an answer the child is dead afterwards.
    func call(
        _ request: inout iw_request, tail: UnsafeRawBufferPointer, timeoutMs: Int
    ) -> Result<UnsafePointer<iw_reply>, MeasureFailure> {
        sequence += 1
        request.magic = UInt32(IW_MEASURE_MAGIC)
        request.sequence = sequence
        request.cpu_ms_max = UInt64(timeoutMs + 1_000)
        let code = iw_measure_call(socket, &request, tail.baseAddress, tail.count, reply, Int64(timeoutMs))
        switch code {
        case 0: return .success(UnsafePointer(reply))
        case ETIMEDOUT:
            end()
            return .failure(.timedOut(ms: timeoutMs))
        case EPIPE: return .failure(causeOfDeath(timeoutMs))
        default:
            end()
            return .failure(.confused)
        }
    }

    /// Opens an object, unless it is open already. The least recently used one makes room.
    func load(_ given: String, timeoutMs: Int) -> Result<UInt32, MeasureFailure> {
        let path = Folder.absolute(given)
        if let open = slots.firstIndex(where: { $0?.path == path }) {
            slots[open]?.lastUse = sequence
            return .success(UInt32(open))
        }
        let slot = slots.firstIndex { $0 == nil } ?? slots.indices.min { slots[$0]!.lastUse < slots[$1]!.lastUse }!
        do {
            let bytes = try Folder.read(path, limit: Compiler.objectBytesMax)
            if case .refused(let why) = ElfCheck(bytes) { return .failure(.refused(reason: why.description)) }
        } catch {
            return .failure(.refused(reason: error.sentence))
        }
        var request = iw_request()
        request.kind = UInt32(IW_LOAD)
        request.slot = UInt32(slot)
        request.constant_copies = 1
        guard iw_request_set_path(&request, path) != 0 else {
            return .failure(.refused(reason: "its path is too long"))
        }
        slots[slot] = nil
        switch call(&request, tail: UnsafeRawBufferPointer(start: nil, count: 0), timeoutMs: timeoutMs) {
        case .failure(let failure): return .failure(failure)
        case .success(let reply):
            if let failure = MeasureChild.failure(in: reply) { return .failure(failure) }
            slots[slot] = (path, sequence)
            return .success(UInt32(slot))
        }
    }

    /// The failure that an answer reports, if any.
    static func failure(in reply: UnsafePointer<iw_reply>) -> MeasureFailure? {
        let text = String(cString: iw_reply_text(reply))
        switch Int(reply.pointee.status) {
        case Int(IW_OK): return nil
        case Int(IW_NOT_LOADED): return .refused(reason: "cannot be opened: \(text)")
        case Int(IW_NO_SYMBOL): return .refused(reason: "has no function \(text)")
        case Int(IW_NO_MEMORY): return .outOfMemory
        case Int(IW_CREATE_FAILED): return .programFailed(step: .create, status: reply.pointee.detail)
        case Int(IW_RUN_FAILED): return .programFailed(step: .run, status: reply.pointee.detail)
        default: return .refused(reason: "outside the limits of a request: \(text)")
        }
    }

    /// Kills and reaps; harmless when repeated.
    func end() {
        guard !ended else { return }
        ended = true
        process.kill()
        _ = process.wait(timeoutMs: -1)
    }

    var isAlive: Bool { !ended }

    private func causeOfDeath(_ timeoutMs: Int) -> MeasureFailure {
        guard let summary = process.wait(timeoutMs: 2_000) else {
            end()
            return .confused
        }
        ended = true
        switch summary.end {
        case .signalled(SIGPROF), .signalled(SIGXCPU): return .timedOut(ms: timeoutMs)
        case .signalled(let signal): return .crashed(signal: signal)
        case .exited: return .confused
        }
    }
}

/// Why no child could be started.
struct MeasureChildError: Error { var reason: String }

/// What protects this process from the code it measures.
package struct Sandbox: Sendable, Equatable {
    package var namespaces: Bool
    package var readOnlyFiles: Bool
    package var systemCallFilter: Bool

    init(bits: UInt32) {
        namespaces = bits & UInt32(IW_HARDENED_NAMESPACES) != 0
        readOnlyFiles = bits & UInt32(IW_HARDENED_LANDLOCK) != 0
        systemCallFilter = bits & UInt32(IW_HARDENED_SECCOMP) != 0
    }
}
