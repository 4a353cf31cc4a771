// The reference printer: naive C straight from the definitions, against which kernels are verified. It shares no code
// with Lowering or the kernel printer. Every element is stored as double (float dtypes) or int64_t (integers, bool);
// floats are computed in double, or in float for the variant that measures what single precision alone costs.
// Operands: the workload's parameters, its results, then one temporary per definition that is no result. One task.

import TensorIR

/// Naive C that computes `workload` in double: `void NAME_0(operands, first, last, scratch)`; links against libm.
package func emitReference(_ workload: Workload, name: String) -> String {
    ReferencePrinter(workload, precision: .double).source(name: name)
}

/// The same loops in float, but for f64, which stays double.
package func emitNaiveF32(_ workload: Workload, name: String) -> String {
    ReferencePrinter(workload, precision: .single).source(name: name)
}

/// The slot behind each operand of a reference: parameters, results (in the workload's order, repeats included), then
/// the definitions that are no result.
package func referenceOperandSlots(_ workload: Workload) -> [Int] {
    let parameters = Array(workload.parameters.indices)
    let defined = workload.definitions.indices.map { workload.parameters.count + $0 }
    return parameters + workload.results + defined.filter { !workload.results.contains($0) }
}

enum ReferencePrecision {
    case double, single

    /// The C type that a dtype computes in.
    func type(_ dtype: DType) -> String {
        guard dtype.isFloat else { return "int64_t" }
        switch self {
        case .double: return "double"
        case .single: return dtype == .f64 ? "double" : "float"
        }
    }
}

struct ReferencePrinter {
    let workload: Workload
    let precision: ReferencePrecision

    init(_ workload: Workload, precision: ReferencePrecision) {
        self.workload = workload
        self.precision = precision
    }

    func source(name: String) -> String {
        precondition(isIdentifier(name), "a reference's name is not a C identifier")
        var lines = [referencePrelude, ""]
        lines.append("void \(name)_0(void *const *operands, int64_t first, int64_t last, void *scratch) {")
        lines.append("  (void)scratch;")
        lines.append("  if (first >= last) return;")
        lines += pointers()
        for index in workload.definitions.indices { lines += definition(index) }
        lines += copies()
        lines.append("}")
        return lines.joined(separator: "\n") + "\n"
    }

    /// `p3` points at the elements of slot 3; of a slot that is several operands, at the first.
    private func pointers() -> [String] {
        let slots = referenceOperandSlots(workload)
        var lines: [String] = []
        var seen: Set<Int> = []
        for (operand, slot) in slots.enumerated() where seen.insert(slot).inserted {
            let storage = storageType(slot)
            let qualifier = slot < workload.parameters.count ? "const " : ""
            lines.append("  \(qualifier)\(storage) *restrict p\(slot) = operands[\(operand)];")
            lines.append("  (void)p\(slot);")
        }
        return lines
    }

    /// Results that are parameters, and results named twice.
    private func copies() -> [String] {
        let slots = referenceOperandSlots(workload)
        return workload.results.indices.compactMap { result in
            let operand = workload.parameters.count + result
            let slot = workload.results[result]
            guard slots.firstIndex(of: slot) != operand else { return nil }
            let elements = workload.type(ofSlot: slot).elements
            let copy = "((\(storageType(slot)) *)operands[\(operand)])[i] = p\(slot)[i];"
            return "  for (int64_t i = 0; i < \(elements); ++i) \(copy)"
        }
    }

    private func storageType(_ slot: Int) -> String {
        workload.type(ofSlot: slot).dtype.isFloat ? "double" : "int64_t"
    }

    // One definition.
    private func definition(_ index: Int) -> [String] {
        let definition = workload.definitions[index]
        let slot = workload.parameters.count + index
        let whole = definition.type.shape.map { 0..<$0 }
        var lines = ["  // definition \(index)"]
        switch definition.body {
        case .map(let value): lines += elementwise(slot, definition.type, whole, value)
        case .pieces(let pieces):
            for piece in pieces { lines += elementwise(slot, definition.type, piece.box, piece.value) }
        case .reduce(let reducer, let extents, let condition, let value):
            lines += reduction(slot, definition.type, reducer, extents, condition, value)
        }
        return lines
    }

    private func elementwise(_ slot: Int, _ type: TensorType, _ box: [Range<Int>], _ value: Expr) -> [String] {
        let body = store(slot, type) { $0.compute(value) }
        return nest(Array(box.enumerated()).map { ($0.offset, $0.element) }, body)
    }

    /// A reduction keeps its running value in the result. The last space axis runs innermost when it is long enough
    /// to be worth it: each element still sees its terms in the order of the reduction axes.
    private func reduction(
        _ slot: Int, _ type: TensorType, _ reducer: Reducer, _ extents: [Int], _ condition: Expr?, _ value: Expr
    ) -> [String] {
        let space = type.shape.enumerated().map { ($0.offset, 0..<$0.element) }
        let reduced = extents.enumerated().map { (type.rank + $0.offset, 0..<$0.element) }
        let identity = reducer.identity(type.dtype)
        let start = store(slot, type) { $0.literal(identity) }
        let cut = space.last.map { $0.1.count >= 4 } ?? false ? space.count - 1 : space.count
        let inner = Array(space[cut...])
        var step = ReferenceExpr(workload: workload, precision: precision)
        if let condition { step.open(step.compute(condition)) }
        let old = step.fresh(type.dtype, "\(element(slot, type))")
        let term = step.compute(value)
        let total = step.combine(reducer, type.dtype, old, term)
        step.line("\(element(slot, type)) = \(total);")
        if condition != nil { step.close() }
        // Integers wrap once, when the reduction is complete.
        let finish = type.dtype.isExact ? nest(inner, store(slot, type) { _ in element(slot, type) }) : []
        let body = nest(inner, start) + nest(reduced + inner, step.lines) + finish
        return nest(Array(space[..<cut]), body)
    }

    private func store(
        _ slot: Int, _ type: TensorType, _ compute: (inout ReferenceExpr) -> String
    ) -> [String] {
        var printer = ReferenceExpr(workload: workload, precision: precision)
        let value = compute(&printer)
        printer.line("\(element(slot, type)) = \(printer.wrapped(value, type.dtype));")
        return printer.lines
    }

    private func element(_ slot: Int, _ type: TensorType) -> String {
        "p\(slot)[\(flatIndex(type, (0..<type.rank).map { "i\($0)" }))]"
    }

    private func nest(_ axes: [(Int, Range<Int>)], _ body: [String]) -> [String] {
        guard let (axis, range) = axes.first else { return ["  {"] + body.map { "  " + $0 } + ["  }"] }
        let i = "i\(axis)"
        let head = "  for (int64_t \(i) = \(range.lowerBound); \(i) < \(range.upperBound); ++\(i)) {"
        return [head] + nest(Array(axes.dropFirst()), body).map { "  " + $0 } + ["  }"]
    }
}

/// Row-major position of an element.
func flatIndex(_ type: TensorType, _ indices: [String]) -> String {
    if indices.isEmpty { return "0" }
    return zip(indices, type.strides).map { "\($0) * \($1)" }.joined(separator: " + ")
}
