// Starting children from Swift: a thin value over the C spawn, and `runTool`, which runs a program to its end with
// limits and collects what it says. Both must be called on a thread that outlives the child: the parent-death signal
// is tied to the spawning thread.

import Basics
import CSystem
import Glibc

/// A running child; the holder must `wait` for it exactly once.
package struct ChildProcess: Sendable {
    package struct Options: Sendable {
        package var directory: String?
        /// Pairs of (descriptor here, descriptor there).
        package var descriptors: [(from: Int32, to: Int32)] = []
        package var cpuSecondsMax = 0
        package var memoryBytesMax = 0
        package var fileBytesMax = 0
        package init() {}
    }

    package enum End: Sendable, Equatable {
        case exited(Int32)
        case signalled(Int32)
    }

    package struct Summary: Sendable {
        package var end: End
        package var cpuSeconds: Double
        package var peakBytes: Int
    }

    let child: iw_child
    package var pid: Int32 { child.pid }
    /// Readable once the child has ended.
    package var descriptor: Int32 { child.pidfd }

    /// Starts `path` in its own process group with a parent-death signal and no other descriptors than 0, 1, 2 and
    /// those named.
    package static func start(
        _ path: String, arguments: [String], environment: [String], _ options: Options
    ) throws(RuntimeError) -> ChildProcess {
        let argv = CStrings([path] + arguments)
        let envp = CStrings(environment)
        let moves = options.descriptors.map { iw_fd_move(from: $0.from, to: $0.to) }
        var child = iw_child(pid: 0, pidfd: -1)
        let code = path.withCString { path in
            withOptionalCString(options.directory) { directory in
                moves.withUnsafeBufferPointer { moves in
                    var request = iw_spawn_request(
                        path: path, argv: argv.pointer, envp: envp.pointer, directory: directory,
                        moves: moves.baseAddress, move_count: moves.count,
                        cpu_seconds_max: UInt64(options.cpuSecondsMax),
                        memory_bytes_max: UInt64(options.memoryBytesMax),
                        file_bytes_max: UInt64(options.fileBytesMax),
                        flags: UInt32(IW_SPAWN_GROUP | IW_SPAWN_DEATH_SIGNAL | IW_SPAWN_CLOSE_OTHERS))
                    return iw_spawn_child(&request, &child)
                }
            }
        }
        guard code == 0 else { throw RuntimeError.notStarted(path: path, code: code) }
        return ChildProcess(child: child)
    }

    /// Waits and reaps; `nil` when it still runs after `timeoutMs` (negative waits for ever).
    package func wait(timeoutMs: Int) -> Summary? {
        var copy = child
        var end = iw_child_end()
        guard iw_wait_child(&copy, Int64(timeoutMs), &end) == 0 else { return nil }
        close(child.pidfd)
        return Summary(
            end: end.signal != 0 ? .signalled(end.signal) : .exited(end.exit_code), cpuSeconds: end.cpu_seconds,
            peakBytes: Int(end.peak_bytes))
    }

    /// Kills the child and its process group.
    package func kill() {
        var copy = child
        iw_kill_child(&copy)
    }
}

/// What a program that ran to its end left behind.
package struct ToolResult: Sendable {
    /// `nil`: it was killed because its wall-clock time was over.
    package var end: ChildProcess.End?
    /// The start of stdout and stderr together.
    package var output: String
    package var cpuSeconds: Double
    package var succeeded: Bool { end == .exited(0) }
}

/// Runs a program with stdin from /dev/null and collects stdout and stderr.
/// - Parameter outputBytesMax: how much of what it says is kept.
package func runTool(
    _ path: String, _ arguments: [String], environment: [String], options: ChildProcess.Options = .init(),
    wallMs: Int, outputBytesMax: Int = 64 << 10
) throws(RuntimeError) -> ToolResult {
    var ends: [Int32] = [-1, -1]
    let piped = iw_pipe(&ends)
    guard piped == 0 else { throw RuntimeError.notStarted(path: path, code: piped) }
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer {
        close(ends[0])
        if null >= 0 { close(null) }
    }
    var all = options
    all.descriptors = [(null, 0), (ends[1], 1), (ends[1], 2)]
    let child: ChildProcess
    do {
        child = try ChildProcess.start(path, arguments: arguments, environment: environment, all)
        close(ends[1])
    } catch {
        close(ends[1])
        throw error
    }
    let deadline = iw_clock_ns() + Int64(wallMs) * 1_000_000
    let (output, finished) = drain(ends[0], until: deadline, keeping: outputBytesMax)
    let leftMs = finished ? max(0, Int((deadline - iw_clock_ns()) / 1_000_000)) : 0
    if let summary = child.wait(timeoutMs: leftMs) {
        return ToolResult(end: summary.end, output: output, cpuSeconds: summary.cpuSeconds)
    }
    child.kill()
    let summary = child.wait(timeoutMs: -1)
    return ToolResult(end: nil, output: output, cpuSeconds: summary?.cpuSeconds ?? 0)
}

/// Reads to the end of file; `finished` is false when the deadline came first.
private func drain(
    _ descriptor: Int32, until deadline: Int64, keeping outputBytesMax: Int
) -> (output: String, finished: Bool) {
    var kept: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while true {
        let leftMs = max(0, (deadline - iw_clock_ns()) / 1_000_000)
        guard iw_wait_readable(descriptor, leftMs) == 0 else { return (String(decoding: kept, as: UTF8.self), false) }
        let got = read(descriptor, &buffer, buffer.count)
        if got < 0, errno == EINTR { continue }
        guard got > 0 else { return (String(decoding: kept, as: UTF8.self), true) }
        kept.append(contentsOf: buffer[..<min(got, outputBytesMax - kept.count)])
    }
}

/// A null-terminated array of C strings that lives as long as this object.
private final class CStrings {
    let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointer = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() { pointer[index] = strdup(string) }
        pointer[count] = nil
    }

    deinit {
        for index in 0..<count { free(pointer[index]) }
        pointer.deallocate()
    }
}

private func withOptionalCString<R>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
    guard let text else { return body(nil) }
    return text.withCString { body($0) }
}
