// The parent: hands cases to children, a slot each, and reads what they say. A child that ends by a signal, or is busy
// with one case for too long, is a finding, and another one goes on behind that case. A case whose outcome was not
// seen before joins the corpus. Input: corpus and limits. Output: the counts; cases in two folders.
// A file and a seed make a case, so nothing but these is remembered of one.

import Basics
import CSystem
import Glibc
import ImportFuzzing
import Runtime

enum FuzzLimit {
    /// Of processor time.
    static let caseSeconds = 10.0
    /// A case that waits for something takes no processor time.
    static let caseWallSeconds = 60.0
    static let addressBytes = 1 << 30
    /// Longer ones are not kept.
    static let keptBytes = 16 << 10
    static let keptFiles = 4_000
    static let savedFindings = 500
    static let filesPerBatch = 8
    static let seedsPerFile: UInt64 = 32
    static let unchangedPerBatch = 64
    static let reportSeconds = 30.0
}

struct FuzzTally: Equatable {
    var cases = 0
    var imported = 0
    var refused = 0
    var findings = 0
    var slowestNs: Int64 = 0
    var peakBytes = 0

    var line: String {
        let hundredths = (slowestNs + 5_000_000) / 10_000_000
        let seconds = "\(hundredths / 100)." + (hundredths % 100 < 10 ? "0" : "") + "\(hundredths % 100)"
        return "\(cases) cases, \(imported) imported, \(refused) refused, \(findings) findings, slowest \(seconds) s, "
            + "most memory \(peakBytes >> 20) MB"
    }
}

/// Cases of one corpus file: FILE, the seeds from `first` up to `end`.
struct FuzzPart: Hashable {
    var file: String
    var first: UInt64
    var end: UInt64
}

struct FuzzFarm {
    private struct CorpusFile {
        var path: String
        var nextSeed: UInt64
    }

    private var corpus: [CorpusFile]
    private let firstSeed: UInt64
    private let work: String
    private let findingsFolder: String
    private let kept: String
    private var turn = 0
    private var planned = 0
    /// Parts that come before new ones: the unchanged corpus, then what is left of a dead child's batch.
    private var waiting: [[FuzzPart]]
    private var seen: Set<String> = []
    private var keptCount = 0
    private var tally = FuzzTally()

    init(files: [String], seed: UInt64, work: String, findings: String, kept: String) {
        corpus = files.map { CorpusFile(path: $0, nextSeed: seed) }
        (firstSeed, self.work, findingsFolder, self.kept) = (seed, work, findings, kept)
        waiting = stride(from: 0, to: files.count, by: FuzzLimit.unchangedPerBatch).map { start in
            files[start..<min(start + FuzzLimit.unchangedPerBatch, files.count)].map {
                FuzzPart(file: $0, first: 0, end: 1)
            }
        }
        planned = files.count
    }

    mutating func run(jobs: Int, casesMax: Int, seconds: Double?) throws -> FuzzTally {
        let started = iw_clock_ns()
        let deadline = seconds.map { started + Int64($0 * 1e9) } ?? .max
        var slots: [FuzzSlot] = []
        var free = Array((0..<jobs).reversed())
        var nextReport = started + Int64(FuzzLimit.reportSeconds * 1e9)
        while true {
            while !free.isEmpty, iw_clock_ns() < deadline, let batch = nextBatch(casesMax) {
                slots.append(try FuzzSlot(number: free.removeLast(), batch, work: work))
            }
            if slots.isEmpty { return tally }
            wait(slots)
            for n in slots.indices.reversed() {
                for event in slots[n].read() { note(event, slots[n]) }
                guard let end = slots[n].endIfDone() else { continue }
                let slot = slots.remove(at: n)
                free.append(slot.number)
                finish(slot, end)
            }
            if iw_clock_ns() > nextReport {
                nextReport += Int64(FuzzLimit.reportSeconds * 1e9)
                writeLine(STDERR_FILENO, "\(tally.cases) cases, \(tally.findings) findings, \(seen.count) outcomes")
            }
        }
    }

    /// The files in turn, each with its next seeds.
    private mutating func nextBatch(_ casesMax: Int) -> [FuzzPart]? {
        if !waiting.isEmpty { return waiting.removeFirst() }
        var batch: [FuzzPart] = []
        while batch.count < FuzzLimit.filesPerBatch, planned < casesMax {
            let at = turn % corpus.count
            turn += 1
            let count = min(FuzzLimit.seedsPerFile, UInt64(casesMax - planned))
            let first = corpus[at].nextSeed
            batch.append(FuzzPart(file: corpus[at].path, first: first, end: first + count))
            corpus[at].nextSeed = first + count
            planned += Int(count)
        }
        return batch.isEmpty ? nil : batch
    }

    /// Until a child says something, or a tenth of a second has passed.
    private func wait(_ slots: [FuzzSlot]) {
        var polled = slots.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        poll(&polled, nfds_t(polled.count), 100)
    }

    // MARK: what children say

    private mutating func note(_ event: FuzzEvent, _ slot: FuzzSlot) {
        let file = slot.batch[event.file].file
        tally.cases += 1
        tally.slowestNs = max(tally.slowestNs, event.ns)
        tally.peakBytes = max(tally.peakBytes, event.peakBytes)
        switch event.outcome {
        case .imported: tally.imported += 1
        case .refused: tally.refused += 1
        case .broken(let reason): found(file, event.seed, reason)
        }
        if seen.insert(event.outcome.kind).inserted { keep(file, event.seed, event.outcome) }
    }

    private mutating func finish(_ slot: FuzzSlot, _ end: FuzzSlot.End) {
        guard let current = slot.current else {
            if case .ended(.exited(0), _) = end { return }
            writeLine(STDERR_FILENO, "a child ended before its first case: \(end.text)")
            return
        }
        let part = slot.batch[current.file]
        tally.cases += 1
        tally.peakBytes = max(tally.peakBytes, end.peakBytes)
        tally.slowestNs = max(tally.slowestNs, iw_clock_ns() - current.startedNs)
        found(part.file, current.seed, end.text)
        var rest = Array(slot.batch[current.file...])
        rest[0].first = current.seed + 1
        rest.removeAll { $0.first >= $0.end }
        if !rest.isEmpty { waiting.append(rest) }
    }

    private mutating func found(_ file: String, _ seed: UInt64, _ reason: String) {
        tally.findings += 1
        let name = "\(stem(file))-\(seed)"
        var text = "FINDING \(file) seed \(seed): \(reason)"
        if tally.findings <= FuzzLimit.savedFindings {
            let path = findingsFolder + "/" + name + ".onnx"
            text += make(file, seed, path) ? "; saved as \(path)" : "; it could not be made again"
        }
        writeLine(STDOUT_FILENO, text)
    }

    /// Adds a case with a new outcome to the corpus.
    private mutating func keep(_ file: String, _ seed: UInt64, _ outcome: FuzzOutcome) {
        guard seed != 0, keptCount < FuzzLimit.keptFiles else { return }
        if case .broken = outcome { return }
        let path = kept + "/" + Digest(of: Array(outcome.kind.utf8)).short + ".onnx"
        guard make(file, seed, path) else { return }
        guard let bytes = try? Folder.read(path), bytes.count <= FuzzLimit.keptBytes else {
            unlink(path)
            return
        }
        keptCount += 1
        corpus.append(CorpusFile(path: path, nextSeed: firstSeed))
    }

    /// In a child, because what makes cases is new code too.
    private func make(_ file: String, _ seed: UInt64, _ path: String) -> Bool {
        let result = try? runTool(
            "/proc/self/exe", ["make", file, "\(seed)", path], environment: fuzzEnvironment, wallMs: 60_000)
        return result?.succeeded == true
    }

    private func stem(_ file: String) -> String {
        let name = file.split(separator: "/").last.map(String.init) ?? file
        return name.hasSuffix(".onnx") ? String(name.dropLast(5)) : name
    }
}
