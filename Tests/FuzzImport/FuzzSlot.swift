// One running child as its parent sees it: the batch it was given, the case it is at, since when. Input: what it
// writes. Output: events, one per case that ended, and how the child ended. Too long with one case, and it is killed.

import CSystem
import Glibc
import ImportFuzzing
import Runtime

/// Children get no more of the environment than this.
let fuzzEnvironment = ["LC_ALL=C", "SWIFT_BACKTRACE=enable=no"]

/// A case that ended.
struct FuzzEvent: Equatable {
    var file: Int
    var seed: UInt64
    var ns: Int64
    var peakBytes: Int
    var outcome: FuzzOutcome

    /// Parses `E FILE SEED NANOSECONDS PEAK_KIB OUTCOME…`.
    init?(_ words: [Substring]) {
        guard words.count >= 6, words[0] == "E", let file = Int(words[1]), let seed = UInt64(words[2]),
            let ns = Int64(words[3]), let kib = Int(words[4])
        else { return nil }
        (self.file, self.seed, self.ns, peakBytes) = (file, seed, ns, kib << 10)
        let rest = words.dropFirst(6).joined(separator: " ")
        switch words[5] {
        case "imported": outcome = .imported
        case "refused": outcome = .refused(rest)
        default: outcome = .broken(rest)
        }
    }
}

struct FuzzSlot {
    enum End {
        case ended(ChildProcess.End, peakBytes: Int)
        case hung(peakBytes: Int)

        var peakBytes: Int {
            switch self {
            case .ended(_, let peak), .hung(let peak): peak
            }
        }

        var text: String {
            switch self {
            case .ended(.exited(let code), let peak): "exit code \(code) at \(peak >> 20) MB"
            case .ended(.signalled(let signal), let peak): "signal \(signal) at \(peak >> 20) MB"
            case .hung(let peak): "not done after \(Int(FuzzLimit.caseSeconds)) s at \(peak >> 20) MB"
            }
        }
    }

    let number: Int
    let batch: [FuzzPart]
    let descriptor: Int32
    private let child: ChildProcess
    private var buffer: [UInt8] = []
    private var isClosed = false
    private(set) var current: (file: Int, seed: UInt64, startedNs: Int64, startedCPUNs: Int64)?

    /// Starts a child with these cases, in a folder of the slot's own.
    init(number: Int, _ batch: [FuzzPart], work: String) throws(RuntimeError) {
        let folder = "\(work)/job\(number)"
        Folder.removeTree(folder)
        try Folder.make(folder)
        var ends: [Int32] = [-1, -1]
        let piped = iw_pipe(&ends)
        guard piped == 0 else { throw RuntimeError.notStarted(path: "/proc/self/exe", code: piped) }
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer {
            close(null)
            close(ends[1])
        }
        var options = ChildProcess.Options()
        options.descriptors = [(null, 0), (null, 1), (null, 2), (ends[1], progressDescriptor)]
        options.memoryBytesMax = FuzzLimit.addressBytes
        let parts = batch.flatMap { [$0.file, "\($0.first)", "\($0.end)"] }
        child = try ChildProcess.start(
            "/proc/self/exe", arguments: ["child", folder] + parts, environment: fuzzEnvironment, options)
        (self.number, self.batch, descriptor) = (number, batch, ends[0])
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    /// What the child has said since the last time.
    mutating func read() -> [FuzzEvent] {
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let got = Glibc.read(descriptor, &chunk, chunk.count)
            if got < 0, errno == EINTR { continue }
            if got == 0 { isClosed = true }
            guard got > 0 else { break }
            buffer += chunk[..<got]
        }
        var events: [FuzzEvent] = []
        while let newline = buffer.firstIndex(of: UInt8(ascii: "\n")) {
            let words = String(decoding: buffer[..<newline], as: UTF8.self).split(
                separator: " ", omittingEmptySubsequences: false)
            buffer.removeFirst(newline + 1)
            if words.count == 3, words[0] == "S", let file = Int(words[1]), let seed = UInt64(words[2]) {
                current = (file, seed, iw_clock_ns(), cpuNs)
            } else if let event = FuzzEvent(words) {
                current = nil
                events.append(event)
            }
        }
        return events
    }

    /// How the child ended, or was ended; `nil` while it works.
    func endIfDone() -> End? {
        if isClosed, let summary = child.wait(timeoutMs: -1) {
            close(descriptor)
            return .ended(summary.end, peakBytes: summary.peakBytes)
        }
        guard let current else { return nil }
        let worked = Double(cpuNs - current.startedCPUNs) / 1e9
        let passed = Double(iw_clock_ns() - current.startedNs) / 1e9
        guard worked > FuzzLimit.caseSeconds || passed > FuzzLimit.caseWallSeconds else { return nil }
        child.kill()
        let summary = child.wait(timeoutMs: -1)
        close(descriptor)
        return .hung(peakBytes: summary?.peakBytes ?? 0)
    }
    /// Processor time that the child has taken: on a busy machine a case may take long without doing much.
    private var cpuNs: Int64 { iw_process_clock_ns(child.pid) }
}
