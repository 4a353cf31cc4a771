// Programs as text; the grammar is docs/formats/program.md. Kernels print as k0…, buffers b0…, counters c0…,
// routines r0…, scalars x1… and `depth` (scalar 0); all by position.

import Basics
import TensorIR

extension Program: CustomStringConvertible {
    /// Part of every digest; changes when the same text would mean something else.
    package static let grammarVersion = "program/1"

    package var description: String { text }

    /// Digest of grammar version and text.
    package var digest: Digest { Digest(of: Program.grammarVersion + "\n" + text) }

    /// The canonical text, ending in a newline.
    package var text: String {
        var writer = TextWriter()
        let head =
            "scalars \(scalars), counters \(counters), frames \(frames)"
            + ", arena \(arenaBytes), scratch \(scratchBytes)"
        writer.block("program(\(head))") { writer in
            for (index, kernel) in kernels.enumerated() { writer.line(Program.line(kernel, index)) }
            for (index, buffer) in buffers.enumerated() {
                writer.line("buffer b\(index): \(buffer.bytes) \(buffer.place.text)")
            }
            for (index, steps) in routines.enumerated() {
                writer.block("routine r\(index)") { writer in StepWriter.write(steps, &writer) }
            }
            for (index, steps) in lanes.enumerated() {
                writer.block("lane \(index)") { writer in StepWriter.write(steps, &writer) }
            }
        }
        return writer.text
    }

    private static func line(_ kernel: KernelUse, _ index: Int) -> String {
        func list(_ values: [Int]) -> String { "[" + values.map(String.init).joined(separator: ", ") + "]" }
        return "kernel k\(index) \(quoted(kernel.name)) \(kernel.digest.hex) phases \(list(kernel.phases))"
            + " operands \(list(kernel.operandBytes))"
    }

    private static func quoted(_ name: String) -> String {
        var out = "\""
        for character in name.unicodeScalars {
            switch character {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            default: out.unicodeScalars.append(character)
            }
        }
        return out + "\""
    }
}

extension ProgramBuffer.Place {
    fileprivate var text: String {
        switch self {
        case .input(let n): "input \(n)"
        case .output(let n): "output \(n)"
        case .constant(let n, let digest): "constant \(n) \(digest.hex)"
        case .arena(let offset): "arena \(offset)"
        }
    }
}

extension Address {
    /// `b2`, or `b2[x1*64]`.
    var text: String {
        offset == .integer(0)
            ? "b\(buffer)"
            : Expr.read(slot: buffer, [offset]).text(ExprNames(slot: { "b\($0)" }, axis: scalarName))
    }
}

func scalarName(_ scalar: Int) -> String { scalar == 0 ? "depth" : "x\(scalar)" }

private enum StepWriter {
    static func write(_ steps: [Step], _ writer: inout TextWriter) {
        for step in steps {
            switch step {
            case .run(let kernel, let phase, let from, let to, let operands):
                let list = operands.map(\.text).joined(separator: ", ")
                writer.line("run k\(kernel) phase \(phase) (\(list)) tasks \(text(from)) ..< \(text(to))")
            case .publish(let counter, let value): writer.line("publish c\(counter) = \(text(value))")
            case .wait(let counter, let value): writer.line("wait c\(counter) >= \(text(value))")
            case .load(let scalar, let address, let dtype):
                writer.line("load \(scalarName(scalar)) = \(dtype.rawValue) \(address.text)")
            case .set(let scalar, let value): writer.line("set \(scalarName(scalar)) = \(text(value))")
            case .loop(let scalar, let from, let to, let body):
                writer.block("loop \(scalarName(scalar)) in \(text(from)) ..< \(text(to))") { writer in
                    write(body, &writer)
                }
            case .branch(let condition, let then, let otherwise):
                writer.block("branch \(text(condition))") { writer in write(then, &writer) }
                if !otherwise.isEmpty { writer.block("else") { writer in write(otherwise, &writer) } }
            case .call(let routine, let keep):
                let kept = keep.isEmpty ? "" : " keep " + keep.map(scalarName).joined(separator: ", ")
                writer.line("call r\(routine)\(kept)")
            case .stopIf(let condition): writer.line("stopIf \(text(condition))")
            }
        }
    }

    private static func text(_ expr: Expr) -> String {
        expr.text(ExprNames(slot: { "b\($0)" }, axis: scalarName))
    }
}
