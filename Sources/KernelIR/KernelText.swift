// Kernels as text; the grammar is docs/formats/kernel.md. Operands print as b0, b1, …, scratch as s<slot>, variables
// as v<number>, so the numbers of the value stand in the text and a parsed text gives an equal value.

import Basics
import TensorIR

extension Kernel: CustomStringConvertible {
    /// Part of every digest; changes when the same text would mean something else.
    package static let grammarVersion = "kernel/1"

    package var description: String { text }

    /// Digest of grammar version and text.
    package var digest: Digest { Digest(of: Kernel.grammarVersion + "\n" + text) }

    /// The canonical text, ending in a newline.
    package var text: String {
        let heads = buffers.enumerated().map { slot, buffer in
            "b\(slot): \(buffer.role.prefix)\(buffer.dtype.rawValue)[\(buffer.elements)]"
        }
        var writer = TextWriter()
        let statements = StatementWriter(operands: buffers.count)
        writer.block("kernel(" + heads.joined(separator: ", ") + ")") { writer in
            for phase in phases {
                writer.block("phase tasks \(phase.tasks)") { writer in statements.write(phase.body, &writer) }
            }
        }
        return writer.text
    }
}

extension Buffer.Role {
    /// What stands before the dtype; an input has nothing.
    var prefix: String { keyword.map { $0 + " " } ?? "" }

    var keyword: String? {
        switch self {
        case .constant: "const"
        case .input: nil
        case .output: "out"
        case .temporary: "temp"
        }
    }
}

private struct StatementWriter {
    let operands: Int
    let names: ExprNames

    init(operands: Int) {
        self.operands = operands
        names = ExprNames(slot: { slotName($0, operands: operands) }, axis: { "v\($0)" })
    }

    func write(_ body: [Statement], _ writer: inout TextWriter) {
        for statement in body {
            switch statement {
            case .bind(let variable, let value): writer.line("let v\(variable) = \(text(value))")
            case .loop(let variable, let from, let to, let step, let vector, let inner):
                let head = "for \(vector ? "vector " : "")v\(variable) in \(text(from)) ..< \(text(to))"
                writer.block(step == 1 ? head : head + " step \(step)") { writer in write(inner, &writer) }
            case .alloc(let slot, let dtype, let elements):
                writer.line("alloc \(slotName(slot, operands: operands)): \(dtype.rawValue)[\(elements)]")
            case .map(let slot, let index, let value): writer.line("\(element(slot, index)) = \(text(value))")
            case .reduce(let reduce): writer.line(line(reduce))
            case .contract(let contract): writer.line(line(contract))
            case .tile(let tile): writer.line(tile.text(names))
            case .when(let condition, let inner):
                writer.block("when \(text(condition))") { writer in write(inner, &writer) }
            }
        }
    }

    private func text(_ expr: Expr) -> String { expr.text(names) }

    private func element(_ slot: Int, _ index: Expr) -> String { text(.read(slot: slot, [index])) }

    private func line(_ reduce: Reduce) -> String {
        var head = reduce.axes.map { "v\($0.variable) in \(text($0.from)) ..< \(text($0.to))" }.joined(separator: ", ")
        if let condition = reduce.condition { head += (head.isEmpty ? "" : " ") + "where " + text(condition) }
        return "reduce \(element(reduce.slot, reduce.index)) = \(reduce.dtype.rawValue) \(reduce.reducer.rawValue)"
            + "(\(head)) \(text(reduce.value))"
    }

    private func line(_ c: Contract) -> String {
        "contract \(c.rows)x\(c.columns) \(element(c.acc, c.accIndex)) stride \(c.accStride)"
            + " \(c.accumulate ? "+=" : "=") a \(element(c.a, c.aIndex)) row \(c.aRow) step \(c.aStep)"
            + ", b \(element(c.b, c.bIndex)) stride \(c.bStride), depth \(text(c.depth))"
    }
}
