// DFT and STFT: a sum over samples times the roots of unity. With few enough of them the roots are a constant matrix
// and the transform is a contraction, which gets the kernels of one; longer transforms read them from a table by
// (k · n) mod N. Input: a signal whose last axis is [real] or [real, imaginary]. Output: the same form.
// The factor of an inverse transform is part of the roots.

import TensorIR

/// The roots of a transform of `length` samples: `rows` of them enter, `columns` values come out.
private struct Roots {
    /// Beyond this many numbers the roots are a table of one period.
    private static let matrixElementsMax = 1 << 20
    static let lengthMax = 1 << 24

    var length: Int
    var rows: Int
    var columns: Int
    var inverse = false
    /// The rows are the first half of a spectrum whose other half is conjugate; the result is real.
    var mirrors = false
    /// Parts of each sample and of each result: 1 or 2.
    var partsIn: Int
    var partsOut: Int

    var isMatrix: Bool {
        let (samples, overflow) = rows.multipliedReportingOverflow(by: columns)
        return !overflow && samples <= Roots.matrixElementsMax / (partsIn * partsOut)
    }

    /// How often row n counts, with the factor of an inverse transform.
    private func weight(_ n: Int) -> Double {
        let isTwin = mirrors && n > 0 && 2 * n != length
        return (isTwin ? 2 : 1) / (inverse ? Double(length) : 1)
    }

    /// What part `from` of a sample contributes to part `to` of a result, as a factor of cos or sin of the angle.
    private func share(_ from: Int, _ to: Int) -> (sine: Bool, sign: Double) {
        if from == to { return (false, 1) }
        return (true, (from == 1) != inverse ? 1 : -1)
    }

    private func wave(_ turn: Int, sine: Bool) -> Double {
        let angle = 2 * Double.pi * Double(turn) / Double(length)
        return ScalarRules.apply(sine ? .sin : .cos, angle)
    }

    /// `[part in, row, column, part out]`.
    func matrix(_ dtype: DType) -> TensorValue {
        var out: [Double] = []
        let waves = [false, true].map { sine in (0..<length).map { wave($0, sine: sine) } }
        for from in 0..<partsIn {
            for n in 0..<rows {
                for k in 0..<columns {
                    for to in 0..<partsOut {
                        let (sine, sign) = share(from, to)
                        out.append(sign * waves[sine ? 1 : 0][n * k % length] * weight(n))
                    }
                }
            }
        }
        let type = TensorType(dtype, [partsIn, rows, columns, partsOut])
        return TensorValue(type, floats: out.map { ScalarRules.rounded($0, dtype) })
    }

    /// `[2, length]`: cosines, then sines of a period.
    func table(_ dtype: DType) -> TensorValue {
        let waves = [false, true].flatMap { sine in (0..<length).map { wave($0, sine: sine) } }
        return TensorValue(TensorType(dtype, [2, length]), floats: waves.map { ScalarRules.rounded($0, dtype) })
    }

    /// The matrix's element at `[from, n, k, to]`, read from the table in `slot`.
    func element(slot: Int, _ from: Expr, _ n: Expr, _ k: Expr, _ to: Expr, _ dtype: DType) -> Expr {
        let turn = Expr.binary(.floorModulo, n * k, .integer(length))
        let (isSame, upper) = (Expr.binary(.equal, from, to), Expr.binary(.greater, from, to))
        let (first, second) = (share(1, 0).sign, share(0, 1).sign)
        let sign = Expr.select(
            .binary(.or, isSame, upper), .select(isSame, number(1, dtype), number(first, dtype)),
            number(second, dtype))
        let wave = Expr.read(slot: slot, [.select(isSame, .integer(0), .integer(1)), turn])
        guard mirrors || inverse else { return sign * wave }
        let isEnd = Expr.binary(
            .or, .binary(.equal, n, .integer(0)), .binary(.equal, n * .integer(2), .integer(length)))
        let (once, twice) = (number(weight(0), dtype), number(2 * weight(0), dtype))
        return sign * wave * (mirrors ? .select(isEnd, once, twice) : once)
    }
}

/// The length of a transform is optional; its axis is an attribute before version 20, then an input.
func emitDFT(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let shape = e.shape(x)
    let (inverse, onesided) = (try e.flag("inverse"), try e.flag("onesided"))
    var raw = try e.integer("axis", default: 1)
    if e.version >= 20 {
        raw = -2
        if e.optional(2) != nil { raw = Int(try e.knownNumber(2, "axis").integer) }
    }
    let axis = try e.axis(raw, rank: shape.count)
    let parts = shape.last ?? 0
    guard axis < shape.count - 1, parts == 1 || parts == 2, shape[axis] >= 1 else {
        throw .misfit("a transform along axis \(axis) of \(shapeText(shape))")
    }
    let mirrors = inverse && onesided
    guard !onesided || inverse || parts == 1 else { throw .misfit("one side of the spectrum of a complex signal") }
    var length = mirrors ? 2 * (shape[axis] - 1) : shape[axis]
    if e.optional(1) != nil { length = Int(try e.knownNumber(1, "dft_length").integer) }
    guard length >= 1, length <= Roots.lengthMax else { throw .misfit("a transform of \(length) samples") }
    let half = length / 2 + 1
    let roots = Roots(
        length: length, rows: min(shape[axis], mirrors ? half : length), columns: onesided && !inverse ? half : length,
        inverse: inverse, mirrors: mirrors, partsIn: parts, partsOut: mirrors ? 1 : 2)
    var result = shape
    result[axis] = roots.columns
    result[shape.count - 1] = roots.partsOut
    return [
        try transformed(&e, x, roots, TensorType(e.dtype(x), result), column: axis) { out, n, part in
            var at = out
            (at[axis], at[out.count - 1]) = (n, part)
            return at
        }
    ]
}

/// Overlapping frames of a signal, each under a window, transformed.
func emitSTFT(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let signal = try e.floatOperand(0)
    let shape = e.shape(signal)
    guard shape.count == 3, shape[2] == 1 || shape[2] == 2 else { throw .misfit("a signal of \(shapeText(shape))") }
    let step = Int(try e.knownNumber(1, "frame_step").integer)
    var length = shape[1]
    var window: ValueID?
    if e.optional(2) != nil {
        let value = try e.floatOperand(2)
        guard e.type(value).rank == 1 else { throw .misfit("a window of \(shapeText(e.shape(value)))") }
        length = e.shape(value)[0]
        window = value
    }
    if e.optional(3) != nil {
        let named = Int(try e.knownNumber(3, "frame_length").integer)
        guard window == nil || named == length else { throw .misfit("a window of \(length) for frames of \(named)") }
        length = named
    }
    guard step >= 1, step <= Emitter.attributeMagnitudeMax, length >= 1, length <= shape[1] else {
        throw .misfit("frames of \(length) samples every \(step) of \(shape[1])")
    }
    let onesided = try e.flag("onesided", default: true)
    guard !onesided || shape[2] == 1 else { throw .misfit("one side of the spectrum of a complex signal") }
    let roots = Roots(
        length: length, rows: length, columns: onesided ? length / 2 + 1 : length, partsIn: shape[2], partsOut: 2)
    let dtype = e.dtype(signal)
    let frames = (shape[1] - length) / step + 1
    let type = TensorType(dtype, [shape[0], frames, roots.columns, 2])
    return [
        try transformed(&e, signal, roots, type, column: 2, window: window) { out, n, part in
            [out[0], out[1] * .integer(step) + n, part]
        }
    ]
}

/// `Y[out] = sum(part, n) x[place(out, n, part)] · root[part, n, out[column], out.last] · window[n]`.
private func transformed(
    _ e: inout Emitter, _ x: ValueID, _ roots: Roots, _ type: TensorType, column: Int, window: ValueID? = nil,
    _ place: ([Expr], Expr, Expr) -> [Expr]
) throws(NodeProblem) -> ValueID {
    let wide = accumulator(type.dtype)
    let input = try e.cast(x, to: wide)
    let weights = try window.map { (value) throws(NodeProblem) in try e.cast(value, to: wide) }
    let rank = type.rank
    let (part, n) = (roots.partsIn == 1 ? Expr.integer(0) : .axis(rank), Expr.axis(rank + 1))
    let out = coordinates(type.shape)
    let sample = Expr.read(slot: 0, place(out, n, part))
    var operands = [input]
    var term: Expr
    if roots.isMatrix {
        var matrix = e.constant(roots.matrix(wide))
        if let weights {
            matrix = try e.elementwise([matrix, try e.reshaped(weights, to: [roots.rows, 1, 1])], wide) {
                $0[0] * $0[1]
            }
        }
        operands.append(matrix)
        term = sample * .read(slot: 1, [part, n, out[column], out[rank - 1]])
    } else {
        operands.append(e.constant(roots.table(wide)))
        term = sample * roots.element(slot: 1, part, n, out[column], out[rank - 1], wide)
        if let weights {
            operands.append(weights)
            term = term * .read(slot: 2, [n])
        }
    }
    let sum = try e.define(
        operands, TensorType(wide, type.shape),
        .reduce(.sum, extents: [roots.partsIn, roots.rows], condition: nil, term))
    return try e.cast(sum, to: type.dtype)
}
