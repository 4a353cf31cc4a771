// Phases of one translation unit that differ in numbers alone share one compiled driver: cache tiles, chunks and grain
// are run-time numbers there, and each phase is an entry that passes its own. A source with a single kernel, which is
// what finals and exports compile, keeps every number a literal.
//
// In:  printed functions.  Out: drivers, then functions that call them, or the functions as they were.

/// A printed phase: its symbol and its lines, the first of which opens the function.
struct PrintedPhase {
    var symbol: String
    var lines: [String]
    /// Its body calls micro-kernels and does no arithmetic of its own that a literal would speed up.
    var isLoopsAroundTiles: Bool
    /// It calls functions of iw_storage.h.
    var callsStorage = false

    /// No function and no constant of the vector mathematics is named here.
    var isFreeOfMathematics: Bool {
        lines.allSatisfy { line in
            line.utf8.split { !isNameByte($0) }.allSatisfy { bytes in
                guard let name = String(bytes) else { return false }
                let isOurs = name.hasPrefix("iw_") || name.hasPrefix("IW_")
                return !isOurs || withoutMathematics.contains(name) || name.hasPrefix("iw_block_t")
            }
        }
    }
}

/// What a source has without the mathematics.
private let withoutMathematics: Set = [
    "iw_min_i64", "iw_max_i64", "IW_VECTOR", "IW_ROLLED", "IW_UNROLL", "IW_DRIVER",
]

private func isNameByte(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x5f
}

/// What every phase takes; `entryName` has the symbol's form.
let phaseParameters = "void *const *operands, int64_t first, int64_t last, void *scratch"

func sharingDrivers(_ phases: [PrintedPhase]) -> [String] {
    let split = phases.map { phase in
        phase.isLoopsAroundTiles ? NumberedText(phase.lines.dropFirst().joined(separator: "\n")) : nil
    }
    var groups: [[String]: [Int]] = [:]
    for (n, text) in split.enumerated() { if let text { groups[text.pieces, default: []].append(n) } }
    var out: [String] = []
    var drivers: [[String]: (name: String, varying: [Int])] = [:]
    for (n, phase) in phases.enumerated() {
        guard let text = split[n], let members = groups[text.pieces], members.count > 1 else {
            out += [""] + (phase.isLoopsAroundTiles ? ["IW_DRIVER"] : []) + phase.lines
            continue
        }
        if drivers[text.pieces] == nil {
            let varying = text.numbers.indices.filter { at in
                members.contains { split[$0]?.numbers[at] != text.numbers[at] }
            }
            let name = "iw_driver_\(drivers.count)"
            drivers[text.pieces] = (name, varying)
            let parameters = [phaseParameters] + varying.indices.map { "int64_t n\($0)" }
            out += [
                "", "IW_DRIVER static __attribute__((noinline)) void \(name)(",
                "    \(parameters.joined(separator: ", "))) {",
            ]
            out.append(text.text { at in varying.firstIndex(of: at).map { "n\($0)" } })
        }
        guard let driver = drivers[text.pieces] else { preconditionFailure("made above") }
        let arguments = ["operands", "first", "last", "scratch"] + driver.varying.map { text.numbers[$0] }
        out += [
            "", "void \(phase.symbol)(\(phaseParameters)) {", "  \(driver.name)(\(arguments.joined(separator: ", ")));",
            "}",
        ]
    }
    return out
}

/// A text cut at its whole decimal numbers: `pieces` around `numbers`, one piece more than numbers. Digits inside of
/// names and of other numbers (`v0`, `0x40`, `1.5f`) belong to the pieces.
private struct NumberedText {
    var pieces: [String] = []
    var numbers: [String] = []

    init(_ text: String) {
        let bytes = Array(text.utf8)
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        func isWord(_ byte: UInt8) -> Bool {
            isNameByte(byte) || byte == 0x2e
        }
        var start = 0
        var at = 0
        while at < bytes.count {
            guard isWord(bytes[at]) else {
                at += 1
                continue
            }
            let word = at
            while at < bytes.count, isWord(bytes[at]) { at += 1 }
            guard bytes[word..<at].allSatisfy(isDigit) else { continue }
            pieces.append(String(decoding: bytes[start..<word], as: UTF8.self))
            numbers.append(String(decoding: bytes[word..<at], as: UTF8.self))
            start = at
        }
        pieces.append(String(decoding: bytes[start...], as: UTF8.self))
    }

    /// The text with some numbers replaced.
    func text(_ replacement: (Int) -> String?) -> String {
        var out = ""
        for (at, number) in numbers.enumerated() { out += pieces[at] + (replacement(at) ?? number) }
        return out + (pieces.last ?? "")
    }
}
