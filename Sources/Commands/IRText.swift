// Any text of the compilers as one value: which kind it is stands in its first word. Input: a text. Output: the parsed
// value, its canonical text, and whether it holds what its kind demands. A file may hold several texts, as `dump`
// prints them: each begins at the start of a line.

import Basics
import DeviceModel
import KernelIR
import ProgramIR
import Schedules
import TensorIR

/// The kinds of text; the raw value is the first word.
enum TextKind: String, CaseIterable {
    case workload, graph, schedule, kernel, program, device, calibration

    /// What a text starts with; `nil` when that is none of the kinds.
    init?(firstWordOf text: String) throws(SyntaxError) {
        guard case .word(let word) = try Lexer(text).token else { return nil }
        self.init(rawValue: word)
    }
}

/// A parsed text.
enum IRText {
    case workload(Workload)
    case graph(Graph)
    case schedule(Schedule)
    case kernel(Kernel)
    case program(Program)
    case device(DeviceClass)
    case calibration(Calibration)

    /// Parses one text; `path` is for sentences.
    init(_ text: String, path: String) throws(InspectionError) {
        do {
            guard let kind = try TextKind(firstWordOf: text) else {
                throw InspectionError.unknownText(path: path, found: try Lexer(text).found)
            }
            switch kind {
            case .workload: self = .workload(try Workload(parsing: text))
            case .graph: self = .graph(try Graph(parsing: text))
            case .schedule: self = .schedule(try Schedule(parsing: text))
            case .kernel: self = .kernel(try Kernel(parsing: text))
            case .program: self = .program(try Program(parsing: text))
            case .device: self = .device(try DeviceClass(parsing: text))
            case .calibration: self = .calibration(try Calibration(parsing: text))
            }
        } catch let error as InspectionError {
            throw error
        } catch {
            throw .badText(path: path, reason: sentence(of: error))
        }
    }

    var kind: TextKind {
        switch self {
        case .workload: .workload
        case .graph: .graph
        case .schedule: .schedule
        case .kernel: .kernel
        case .program: .program
        case .device: .device
        case .calibration: .calibration
        }
    }

    /// The one spelling.
    var canonical: String {
        switch self {
        case .workload(let workload): workload.text
        case .graph(let graph): graph.text
        case .schedule(let schedule): schedule.text
        case .kernel(let kernel): kernel.text
        case .program(let program): program.text
        case .device(let device): device.text
        case .calibration(let calibration): calibration.text
        }
    }

    /// What the catalog and other texts call it.
    var digest: Digest {
        switch self {
        case .workload(let workload): workload.digest
        case .graph(let graph): Digest(of: graph.text)
        case .schedule(let schedule): schedule.digest
        case .kernel(let kernel): kernel.digest
        case .program(let program): program.digest
        case .device(let device): device.digest
        case .calibration(let calibration): calibration.digest
        }
    }

    /// Throws what is wrong beyond the syntax, as one sentence with its place.
    func verify(path: String) throws(InspectionError) {
        do {
            switch self {
            case .workload(let workload): try workload.verify()
            case .graph(let graph): try graph.verify()
            case .kernel(let kernel): try kernel.verify()
            case .program(let program):
                try program.verify()
                if case .conflicts(let conflicts) = program.checkArena(), let first = conflicts.first { throw first }
            case .schedule, .device, .calibration: break
            }
        } catch {
            throw .badText(path: path, reason: sentence(of: error))
        }
    }
}

/// The texts of one file, in its order.
struct IRFile {
    let path: String
    let parts: [IRText]

    /// Parses `text`, which came from `path`.
    init(_ text: String, path: String) throws(InspectionError) {
        self.path = path
        var parts: [IRText] = []
        for piece in pieces(of: text) { parts.append(try IRText(piece, path: path)) }
        self.parts = parts
    }

    /// The one spelling; comments are no part of it.
    var canonical: String { parts.map(\.canonical).joined(separator: "\n") }

    func verify() throws(InspectionError) {
        for part in parts { try part.verify(path: path) }
    }

    var kernels: [Kernel] {
        parts.compactMap { part in
            if case .kernel(let kernel) = part { kernel } else { nil }
        }
    }
}

/// Cuts a file before every line that begins with the name of a kind. Empty lines stand for what was cut away, so that
/// positions are those of the file.
func pieces(of text: String) -> [String] {
    var out: [String] = []
    var piece = ""
    var hasBegun = false
    for (n, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        if begins(line) {
            if hasBegun {
                out.append(piece)
                piece = String(repeating: "\n", count: n)
            }
            hasBegun = true
        }
        piece += line + "\n"
    }
    return out + [piece]
}

private func begins(_ line: Substring) -> Bool {
    TextKind.allCases.contains { kind in
        guard line.hasPrefix(kind.rawValue) else { return false }
        guard let next = line.dropFirst(kind.rawValue.count).first else { return false }
        return next == "(" || next == " " || next == "{"
    }
}
