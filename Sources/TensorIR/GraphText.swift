// Graphs as text, one operation per line; the grammar is docs/formats/graph.md. Values print as %index. A definition
// reads values by name (`%0[i0]`) when its operands are exactly what it reads, in order of first use; otherwise
// `define(%0, %1, %0)` lists the operands and the expression reads t0, t1, t2. Large constants print their digest.

import Basics

extension Graph: CustomStringConvertible {
    /// Longest text that is parsed.
    package static let textBytesMax = 64 << 20
    /// Regions inside one another: loop bodies and sides of branches.
    package static let regionNestingMax = 64

    package var description: String { text }

    /// The text, ending in a newline.
    package var text: String {
        let inputs = body.parameters.enumerated().map { position, value in
            declared(value) + " " + GraphText.quoted(position < inputNames.count ? inputNames[position] : "")
        }
        let outputs = body.results.enumerated().map { position, value in
            let name = GraphText.quoted(position < outputNames.count ? outputNames[position] : "")
            let cuts = extents.filter { $0.result == position }.map { " extent \($0.axis) in \($0.count)" }
            return "%\(value.index) " + name + cuts.joined()
        }
        var writer = TextWriter()
        let tail = " -> (" + outputs.joined(separator: ", ") + ")"
        writer.block("graph(" + inputs.joined(separator: ", ") + ")", tail: tail) { writer in
            for (index, function) in functions.enumerated() {
                write("function @\(index)" + parameters(function.body), function.body, &writer)
            }
            for operation in body.operations { write(operation, &writer) }
        }
        return writer.text
    }

    /// `head {`, the operations, `} -> (results)`.
    private func write(_ head: String, _ region: Region, _ writer: inout TextWriter) {
        writer.block(head, tail: " -> " + GraphText.list(region.results)) { writer in
            for operation in region.operations { write(operation, &writer) }
        }
    }

    private func write(_ operation: Operation, _ writer: inout TextWriter) {
        switch operation {
        case .constant(let id, .inline(let literals)):
            let values = literals.map(\.bareText).joined(separator: ", ")
            writer.line(declared(id) + " = const [" + values + "]")
        case .constant(let id, .data(let digest)):
            writer.line(declared(id) + " = const data " + digest.hex)
        case .define(let id, let operands, let definition):
            writer.line("%\(id.index): " + definition.headText + " = " + body(definition, operands))
        case .extern(let results, let name, let attributes, let operands):
            let texts = attributes.map(GraphText.quoted).joined(separator: ", ")
            let call = "extern " + GraphText.quoted(name) + "[" + texts + "]" + GraphText.list(operands)
            writer.line(declared(results) + " = " + call)
        case .loop(let loop):
            var head = declared(loop.results) + " = loop"
            if let trip = loop.tripCount { head += " trip %\(trip.index)" }
            if let condition = loop.condition { head += " while %\(condition.index)" }
            head += " carry" + GraphText.list(loop.initial) + " capture" + GraphText.list(loop.captures)
            write(head + " do" + parameters(loop.body), loop.body, &writer)
        case .branch(let branch):
            let head = declared(branch.results) + " = branch %\(branch.condition.index)"
            writer.block(head + " capture" + GraphText.list(branch.captures)) { writer in
                write("then", branch.then, &writer)
                write("else", branch.otherwise, &writer)
            }
        case .call(let results, let function, let arguments):
            writer.line(declared(results) + " = call @\(function)" + GraphText.list(arguments))
        }
    }

    private func body(_ definition: Definition, _ operands: [ValueID]) -> String {
        if Set(operands).count == operands.count, definition.slotsRead == Array(operands.indices) {
            return definition.bodyText { "%\(operands[$0].index)" }
        }
        return "define" + GraphText.list(operands) + " " + definition.bodyText { "t\($0)" }
    }

    /// `%3: f32[8]`
    private func declared(_ value: ValueID) -> String { "%\(value.index): \(type(value))" }

    private func declared(_ results: [ValueID]) -> String {
        results.isEmpty ? "none" : results.map(declared).joined(separator: ", ")
    }

    private func parameters(_ region: Region) -> String {
        "(" + region.parameters.map(declared).joined(separator: ", ") + ")"
    }
}

enum GraphText {
    /// `(%1, %2)`
    static func list(_ values: [ValueID]) -> String {
        "(" + values.map { "%\($0.index)" }.joined(separator: ", ") + ")"
    }

    /// A name from a model between quotes: quote and backslash get a backslash, a percent sign, control characters
    /// and marks that turn or break a line become the percent-escapes of their UTF-8 bytes.
    static func quoted(_ name: String) -> String {
        var out = "\""
        for scalar in name.unicodeScalars {
            let value = scalar.value
            if scalar == "\"" || scalar == "\\" {
                out += "\\"
                out.unicodeScalars.append(scalar)
            } else if scalar == "%" || value < 0x20 || (0x7f...0x9f).contains(value)
                || (0x2028...0x202e).contains(value) || (0x2066...0x2069).contains(value)
            {
                for byte in Array(String(scalar).utf8) {
                    out += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    /// Undoes the percent-escapes; the lexer has undone the backslashes. `nil` for an escape that is none.
    static func unquoted(_ text: String) -> String? {
        guard text.utf8.contains(0x25) else { return text }
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at] == 0x25 {
                guard at + 2 < bytes.count, let high = hexDigit(bytes[at + 1]), let low = hexDigit(bytes[at + 2])
                else { return nil }
                out.append(high << 4 | low)
                at += 3
            } else {
                out.append(bytes[at])
                at += 1
            }
        }
        return String(validating: out, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
