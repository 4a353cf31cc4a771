// Prints `reduce`. A float reduction may be reassociated: it runs over an array of independent lanes whose inner
// loops have literal trip counts, which both compilers turn into packed operations on registers without any
// fast-math flag; what does not fill the lanes goes through fewer lanes and then one by one, and the lanes are folded
// at the end. Short reductions and integers are plain loops.

import DeviceModel
import KernelIR
import TensorIR

/// How the innermost loop of a float reduction runs.
private struct LanePlan {
    /// Floats of one vector and number of vectors.
    var width: Int
    var vectors: Int
    var lanes: Int { width * vectors }
    /// The innermost loop's literal trip count, if it is one.
    var trips: Int?

    var runsAll: Bool { trips.map { $0 >= lanes } ?? true }
    var runsOne: Bool { vectors > 1 && (trips.map { $0 % lanes >= width } ?? true) }
    var runsRest: Bool { trips.map { $0 % width != 0 } ?? true }
}

extension PhasePrinter {
    /// A reduction of at most this many points inside a vector loop is unrolled, so that the outer loop vectorises.
    private static let unrolledPointsMax = 64

    mutating func reduce(_ reduction: Reduce) {
        precondition(!reduction.axes.isEmpty, "a reduction without an axis")
        block("") { printer in
            let trips = printer.enter(reduction)
            if reduction.dtype.isFloat, let plan = printer.plan(reduction, trips) {
                printer.lanes(reduction, plan)
            } else {
                printer.serial(reduction, trips)
            }
        }
    }

    /// Makes the axes known to the interval analysis; returns each one's literal trip count.
    private mutating func enter(_ reduction: Reduce) -> [Int?] {
        reduction.axes.map { axis in
            let (low, high) = (scalars.intervals[axis.from], scalars.intervals[axis.to])
            scalars.intervals.setLoop(axis.variable, from: axis.from, to: axis.to)
            guard let low, let high, low.lowerBound == low.upperBound, high.lowerBound == high.upperBound else {
                return nil
            }
            return max(0, high.lowerBound - low.lowerBound)
        }
    }

    private func points(_ trips: [Int?]) -> Int? {
        trips.reduce(1) { product, trip in
            guard let product, let trip else { return nil }
            return product * trip
        }
    }

    private func isUnrolled(_ trips: [Int?]) -> Bool {
        (points(trips) ?? .max) <= PhasePrinter.unrolledPointsMax
    }

    /// `nil`: the innermost loop is too short for lanes, or a vector loop around it does better.
    private func plan(_ reduction: Reduce, _ trips: [Int?]) -> LanePlan? {
        let widest = reduction.dtype == .f64 ? isa.vectorWidth / 2 : isa.vectorWidth
        if insideVector, isUnrolled(trips) { return nil }
        guard let inner = trips[trips.count - 1] else { return LanePlan(width: widest, vectors: 4, trips: nil) }
        guard let width = [16, 8, 4, 2].first(where: { $0 <= widest && $0 <= inner && $0 * 4 >= widest }) else {
            return nil
        }
        let vectors = inner >= 4 * width ? 4 : inner >= 2 * width ? 2 : 1
        return LanePlan(width: width, vectors: vectors, trips: inner)
    }

    // One by one.
    private mutating func serial(_ reduction: Reduce, _ trips: [Int?]) {
        let isWide = reduction.dtype.isWideInteger || !keepsNarrow(reduction)
        let type = reduction.dtype.valueType(isWide: isWide)
        line("\(type) acc = \(identity(reduction));")
        nest(reduction, reduction.axes[...], unrolled: isUnrolled(trips)) { printer in
            printer.step(reduction, "acc", isWide: isWide)
        }
        store(reduction, "acc")
    }

    /// Sums and products only need the low bits; max and min need exact values.
    private func keepsNarrow(_ reduction: Reduce) -> Bool {
        switch reduction.reducer {
        case .sum, .product: true
        case .max, .min: reduction.dtype != .u32 && scalars.fitsNarrow(reduction.value)
        }
    }

    private mutating func nest(
        _ reduction: Reduce, _ axes: ArraySlice<Reduce.Axis>, unrolled: Bool, _ body: (inout PhasePrinter) -> Void
    ) {
        guard let axis = axes.first else { return body(&self) }
        let start = scalars.index(axis.from)
        let end = bound(axis.to, named: "e\(axis.variable)")
        flush()
        if unrolled { line("IW_UNROLL") }
        let name = "v\(axis.variable)"
        block("for (int64_t \(name) = \(start); \(name) < \(end); ++\(name))") { printer in
            printer.nest(reduction, axes.dropFirst(), unrolled: unrolled, body)
        }
    }

    // Lanes.
    private mutating func lanes(_ reduction: Reduce, _ plan: LanePlan) {
        let type = reduction.dtype.valueType()
        let initial = identity(reduction)
        line("\(type) acc[\(plan.lanes)];")
        line("for (int64_t l = 0; l < \(plan.lanes); ++l) acc[l] = \(initial);")
        if plan.runsRest { line("\(type) rest = \(initial);") }
        nest(reduction, reduction.axes.dropLast(), unrolled: false) { printer in
            let axis = reduction.axes[reduction.axes.count - 1]
            let (variable, position) = ("v\(axis.variable)", "p\(axis.variable)")
            let start = printer.scalars.index(axis.from)
            let end = printer.bound(axis.to, named: "e\(axis.variable)")
            printer.flush()
            printer.line("int64_t \(position) = \(start);")
            func run(_ lanes: Int) {
                let head = "for (; \(position) + \(lanes) <= \(end); \(position) += \(lanes))"
                printer.block(head) { printer in
                    printer.line("IW_VECTOR")
                    printer.block("for (int64_t l = 0; l < \(lanes); ++l)") { printer in
                        printer.line("const int64_t \(variable) = \(position) + l;")
                        printer.step(reduction, "acc[l]", isWide: false)
                    }
                }
            }
            if plan.runsAll { run(plan.lanes) }
            if plan.runsOne { run(plan.width) }
            if plan.runsRest {
                printer.block("for (; \(position) < \(end); ++\(position))") { printer in
                    printer.line("const int64_t \(variable) = \(position);")
                    printer.step(reduction, "rest", isWide: false)
                }
            }
        }
        fold(reduction, plan)
    }

    private mutating func fold(_ reduction: Reduce, _ plan: LanePlan) {
        var half = plan.lanes / 2
        while half > 0 {
            let text = combined(reduction, "acc[l]", "acc[l + \(half)]", isWide: false)
            line("for (int64_t l = 0; l < \(half); ++l) acc[l] = \(text);")
            half /= 2
        }
        store(reduction, plan.runsRest ? combined(reduction, "acc[0]", "rest", isWide: false) : "acc[0]")
    }

    // Pieces of both.
    private mutating func step(_ reduction: Reduce, _ accumulator: String, isWide: Bool) {
        let test = reduction.condition.map { scalars.condition($0) }
        flush()
        let value = scalars.value(reduction.value, wide: isWide).text
        let lines = scalars.takeLines()
        let text = combined(reduction, accumulator, value, isWide: isWide)
        guard let test else {
            for text in lines { line(text) }
            return line("\(accumulator) = \(text);")
        }
        if lines.isEmpty { return line("\(accumulator) = \(test) ? \(text) : \(accumulator);") }
        block("if (\(test))") { printer in
            for text in lines { printer.line(text) }
            printer.line("\(accumulator) = \(text);")
        }
    }

    private func combined(_ reduction: Reduce, _ a: String, _ b: String, isWide: Bool) -> String {
        let isFloat = reduction.dtype.isFloat
        let type = reduction.dtype.valueType(isWide: isWide)
        let wide = reduction.dtype == .u64 ? "u64" : "i64"
        let suffix = isFloat ? reduction.dtype.floatSuffix : isWide ? wide : "i32"
        switch reduction.reducer {
        case .sum, .product:
            let sign = reduction.reducer == .sum ? "+" : "*"
            if isFloat { return "\(a) \(sign) \(b)" }
            let unsigned = isWide ? "uint64_t" : "uint32_t"
            return "(\(type))((\(unsigned))\(a) \(sign) (\(unsigned))\(b))"
        case .max: return "iw_max_\(suffix)(\(a), \(b))"
        case .min: return "iw_min_\(suffix)(\(a), \(b))"
        }
    }

    private func identity(_ reduction: Reduce) -> String {
        let literal = reduction.reducer.identity(reduction.dtype)
        return literal.dtype.isFloat ? floatText(literal.float, literal.dtype) : integerText(Int(literal.integer))
    }

    private mutating func store(_ reduction: Reduce, _ text: String) {
        let at = scalars.index(reduction.index)
        flush()
        let target = "\(scalars.names[reduction.slot])[\(at.unbracketed)]"
        switch reduction.dtype {
        case .f16: line("\(target) = iw_f32_to_f16(\(text));")
        case .bf16: line("\(target) = iw_f32_to_bf16(\(text));")
        case .f32, .f64, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool:
            line("\(target) = (\(reduction.dtype.storageType))(\(text));")
        case .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1, .i4, .u4, .i2, .u2:
            preconditionFailure("a verified kernel reduces in no storage type")
        }
    }
}
