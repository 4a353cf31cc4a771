// A measurer that answers from a table: what makes a farm's result a function of its inputs alone. The table is a text,
// one row a line, sorted by digest:
//   recorded 1
//   reading DIGEST samples 12.5 12.75 13.0 calls 400 switches 0 dropped 0 [cut] [beside]
//   failure DIGEST crashed 11 | timedOut 500 | refused "TEXT" | redZone 0 64 | wroteInput 1 | program run 3 | …
// Rows are returned as they stand, whatever the request's cutoff: a winner must not depend on who measured first.

import Basics

package struct RecordedTable: Sendable, Equatable {
    package var rows: [Digest: MeasureOutcome]

    package init(_ rows: [Digest: MeasureOutcome] = [:]) { self.rows = rows }

    /// Parses the text form.
    package init(text: String) throws(RuntimeError) {
        do {
            var lexer = try Lexer(text)
            self = try RecordedTable(&lexer)
        } catch {
            throw RuntimeError.recordedTable(error)
        }
    }

    private init(_ lexer: inout Lexer) throws(SyntaxError) {
        rows = [:]
        try lexer.expectWord("recorded")
        guard try lexer.integer("the version") == 1 else { throw lexer.fail("only version 1 is known") }
        while lexer.token != .end {
            let isReading = try lexer.takeWord("reading")
            if !isReading { try lexer.expectWord("failure") }
            let digest = try RecordedTable.digest(&lexer)
            guard rows[digest] == nil else { throw lexer.fail("a second row for \(digest.short)") }
            rows[digest] =
                isReading
                ? .reading(try RecordedTable.reading(&lexer)) : .failed(try RecordedTable.failure(&lexer))
        }
    }

    package var text: String {
        var writer = TextWriter()
        writer.line("recorded 1")
        for (digest, outcome) in rows.sorted(by: { $0.key < $1.key }) {
            switch outcome {
            case .reading(let reading):
                let samples = reading.samplesNs.map { numberText($0) }.joined(separator: " ")
                writer.line(
                    "reading \(digest) samples \(samples) calls \(reading.calls) "
                        + "switches \(reading.involuntarySwitches) dropped \(reading.dropped)"
                        + (reading.cut ? " cut" : "") + (reading.beside ? " beside" : ""))
            case .failed(let failure): writer.line("failure \(digest) \(RecordedTable.text(failure))")
            }
        }
        return writer.text
    }

    private static func digest(_ lexer: inout Lexer) throws(SyntaxError) -> Digest {
        switch lexer.token {
        case .word(let text), .number(let text):
            guard let digest = Digest(hex: text) else { throw lexer.fail("expected a digest, found \(lexer.found)") }
            try lexer.advance()
            return digest
        case .string, .mark, .end: throw lexer.fail("expected a digest, found \(lexer.found)")
        }
    }

    private static func reading(_ lexer: inout Lexer) throws(SyntaxError) -> Reading {
        try lexer.expectWord("samples")
        var samples: [Double] = []
        while case .number(let text) = lexer.token {
            guard let value = Double(text), value.isFinite else { throw lexer.fail("not a time: \(lexer.found)") }
            samples.append(value)
            try lexer.advance()
        }
        guard !samples.isEmpty else { throw lexer.fail("a reading without samples") }
        try lexer.expectWord("calls")
        var reading = Reading(samplesNs: samples, calls: try lexer.integer("a count"))
        try lexer.expectWord("switches")
        reading.involuntarySwitches = try lexer.integer("a count")
        try lexer.expectWord("dropped")
        reading.dropped = try lexer.integer("a count")
        reading.cut = try lexer.takeWord("cut")
        reading.beside = try lexer.takeWord("beside")
        return reading
    }

    private static func text(_ failure: MeasureFailure) -> String {
        switch failure {
        case .crashed(let signal): return "crashed \(signal)"
        case .timedOut(let ms): return "timedOut \(ms)"
        case .refused(let reason): return "refused \"\(printable(reason))\""
        case .wroteRedZone(let operand, let offset): return "redZone \(operand) \(offset)"
        case .wroteInput(let operand): return "wroteInput \(operand)"
        case .programFailed(let step, let status): return "program \(step.rawValue) \(status)"
        case .outOfMemory: return "outOfMemory"
        case .confused: return "confused"
        case .unavailable(let reason): return "unavailable \"\(printable(reason))\""
        case .noRecord: return "noRecord"
        }
    }

    private static func failure(_ lexer: inout Lexer) throws(SyntaxError) -> MeasureFailure {
        switch try lexer.word("a kind of failure") {
        case "crashed": return .crashed(signal: try small(&lexer))
        case "timedOut": return .timedOut(ms: try lexer.integer("milliseconds"))
        case "refused": return .refused(reason: try lexer.string("a reason"))
        case "redZone":
            let operand = try lexer.integer("an operand")
            return .wroteRedZone(operand: operand, offset: try lexer.integer("an offset"))
        case "wroteInput": return .wroteInput(operand: try lexer.integer("an operand"))
        case "program":
            guard let step = MeasureFailure.ProgramStep(rawValue: try lexer.word("create or run")) else {
                throw lexer.fail("expected create or run")
            }
            return .programFailed(step: step, status: try small(&lexer))
        case "outOfMemory": return .outOfMemory
        case "confused": return .confused
        case "unavailable": return .unavailable(reason: try lexer.string("a reason"))
        case "noRecord": return .noRecord
        case let other: throw lexer.fail("unknown kind of failure '\(escaped(other, limit: 40))'")
        }
    }

    private static func small(_ lexer: inout Lexer) throws(SyntaxError) -> Int32 {
        guard let value = Int32(exactly: try lexer.integer("a number")) else { throw lexer.fail("too large") }
        return value
    }

    /// Only what the lexer's strings can hold: quotes, backslashes and line ends are escaped.
    private static func printable(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}

package final class RecordedMeasurer: Measurer {
    private let table: RecordedTable
    package init(_ table: RecordedTable) { self.table = table }

    package func measure(_ request: MeasureRequest) -> MeasureOutcome { answer(request.candidate) }
    package func measureProgram(_ request: ProgramRequest) -> MeasureOutcome { answer(request.program) }

    func answer(_ digest: Digest) -> MeasureOutcome { table.rows[digest] ?? .failed(.noRecord) }
}
