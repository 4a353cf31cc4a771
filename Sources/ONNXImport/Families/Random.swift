// Random numbers as functions of a seed and an element's place: RandomUniform, RandomNormal (and -Like), Bernoulli,
// Multinomial, and Dropout while training. A model therefore gives the same numbers on every run and every machine,
// and no state lies between runs. Place and seed are mixed in 32 bits by multiplications and shifted exclusive-ors,
// each of which can be undone, so that different places differ. Where a node names no seed, its output's name is one.

import TensorIR

/// A source of numbers for one node.
private struct RandomPlaces {
    private let key: Int64

    init(_ e: Emitter) throws(NodeProblem) {
        var state: UInt32 = 0x811c_9dc5
        func take(_ byte: UInt8) { state = (state ^ UInt32(byte)) &* 0x0100_0193 }
        if let seed = e.attribute("seed") {
            // Dropout's is an integer, all others are floats
            let bits =
                seed.type == .int
                ? UInt64(bitPattern: seed.i) : UInt64(Float(try e.float("seed", default: 0)).bitPattern)
            for shift in stride(from: UInt64(0), to: 64, by: 8) { take(UInt8(truncatingIfNeeded: bits >> shift)) }
        } else {
            for byte in (e.node.output.first ?? "").utf8 { take(byte) }
        }
        key = Int64(state)
    }

    /// 32 bits for element `place` of `stream`; u32.
    private func bits(_ place: Expr, stream: Int64) -> Expr {
        func literal(_ value: Int64) -> Expr { .literal(.integer(value & 0xffff_ffff, .u32)) }
        func mixed(_ x: Expr, _ shift: Int64) -> Expr { .binary(.bitXor, x, .binary(.shiftRight, x, literal(shift))) }
        let start = Expr.cast(.u32, place) * literal(0x9e37_79b1) + literal(key &+ stream &* 0x632b_e5ab)
        let once = mixed(start, 15) * literal(0x2c1b_3c6d)
        return mixed(mixed(once, 12) * literal(0x297a_2d39), 15)
    }

    /// Evenly in (0, 1) with steps of 2^-23, a half step away from both ends; f32 or f64.
    func uniform(_ place: Expr, stream: Int64 = 0, _ dtype: DType) -> Expr {
        let top = Expr.binary(.shiftRight, bits(place, stream: stream), .literal(.integer(9, .u32)))
        return (.cast(dtype, top) + .float(0.5, dtype)) * .float(0x1p-23, dtype)
    }

    /// The normal distribution with deviation 1, by the Box-Muller transform.
    func normal(_ place: Expr, _ dtype: DType) -> Expr {
        let radius = Expr.unary(.sqrt, .unary(.log, uniform(place, dtype)) * .float(-2, dtype))
        return radius * .unary(.cos, uniform(place, stream: 1, dtype) * .float(2 * Double.pi, dtype))
    }
}

/// Row-major number of an element.
private func place(_ out: [Expr], _ shape: [Int]) -> Expr {
    zip(out, TensorType(.i64, shape).strides).reduce(Expr.integer(0)) { $0 + $1.0 * .integer($1.1) }
}

/// RandomUniform and RandomNormal, of a shape that an attribute gives or (`isLike`) an operand has.
func random(normal: Bool, isLike: Bool) -> OperatorFamily {
    { (e: inout Emitter) throws(NodeProblem) in
        let named = try e.dtypeAttribute("dtype")
        let type: TensorType
        if isLike {
            let x = try e.operand(0)
            type = TensorType(named ?? e.dtype(x), e.shape(x))
        } else {
            guard let shape = try e.integers("shape") else { throw .attribute("shape", reason: "is missing") }
            type = TensorType(named ?? .f32, shape)
        }
        guard type.dtype.isFloat else { throw .unsupportedForm("random numbers of \(type.dtype.rawValue)") }
        let (a, b): (Double, Double) =
            normal
            ? (try e.float("mean", default: 0), try e.float("scale", default: 1))
            : (try e.float("low", default: 0), try e.float("high", default: 1))
        let places = try RandomPlaces(e)
        let wide = accumulator(type.dtype)
        let value = try e.mapped([], TensorType(wide, type.shape)) { out in
            let at = place(out, type.shape)
            let unit = normal ? places.normal(at, wide) : places.uniform(at, wide)
            return number(a, wide) + unit * number(normal ? b : b - a, wide)
        }
        return [try e.cast(value, to: type.dtype)]
    }
}

/// 1 with the probability that the operand has in the same place, else 0.
func emitBernoulli(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let (shape, dtype) = (e.shape(x), e.dtype(x))
    let result = try e.dtypeAttribute("dtype") ?? dtype
    let places = try RandomPlaces(e)
    let wide = accumulator(dtype)
    return [
        try e.mapped([x], TensorType(result, shape)) { out in
            let chance = Expr.read(slot: 0, out)
            let isHit = Expr.binary(
                .less, places.uniform(place(out, shape), wide), wide == dtype ? chance : .cast(wide, chance))
            return .select(isHit, number(1, result), zero(result))
        }
    ]
}

/// Samples of classes by the logarithms of their weights: the class whose logarithm and a number of Gumbel's
/// distribution have the greatest sum.
func emitMultinomial(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let shape = e.shape(x)
    guard shape.count == 2, shape[1] >= 1 else { throw .misfit("weights of \(shapeText(shape))") }
    let count = try e.integer("sample_size", default: 1)
    let dtype = try e.dtypeAttribute("dtype") ?? .i32
    guard dtype == .i32 || dtype == .i64 else { throw .unsupportedForm("classes of \(dtype.rawValue)") }
    guard count >= 1 else { throw .attribute("sample_size", reason: "is \(count)") }
    let places = try RandomPlaces(e)
    let (own, wide) = (e.dtype(x), accumulator(e.dtype(x)))
    let scores = try e.mapped([x], TensorType(wide, [shape[0], count, shape[1]])) { out in
        let weight = Expr.read(slot: 0, [out[0], out[2]])
        let unit = places.uniform(place(out, [shape[0], count, shape[1]]), wide)
        let luck = Expr.unary(.log, .unary(.negate, .unary(.log, unit)))
        return (wide == own ? weight : .cast(wide, weight)) - luck
    }
    let chosen = try extremePlace(&e, scores, axis: 2, .max, last: false)
    return [try e.cast(try e.reshaped(chosen, to: [shape[0], count]), to: dtype)]
}

/// Dropout while training: elements are dropped with probability `ratio`, the others grow accordingly. Also gives the
/// mask of those that stay.
func droppedOut(_ e: inout Emitter, _ x: ValueID, ratio: Double) throws(NodeProblem) -> [ValueID] {
    guard ratio >= 0, ratio < 1 else { throw .misfit("a ratio of \(ratio)") }
    let (shape, dtype) = (e.shape(x), e.dtype(x))
    let places = try RandomPlaces(e)
    let mask = try e.mapped([], TensorType(.bool, shape)) { out in
        ratio == 0
            ? .literal(.boolean(true))
            : .binary(.greaterOrEqual, places.uniform(place(out, shape), .f32), .float(ratio, .f32))
    }
    guard ratio > 0 else { return [x, mask] }
    let y = try e.elementwise([x, mask], dtype) { reads in
        .select(reads[1], reads[0] * number(1 / (1 - ratio), dtype), zero(dtype))
    }
    return [y, mask]
}
