// Matrix products of com.microsoft with quantised weights and floats around them.
//   MatMulIntegerToFloat, DynamicQuantizeMatMul:  Y = C * (sa * sb) + bias, where C is the integer product
//   MatMulNBits:  Y[…, n] = sum(k) A[…, k] * (q[n, k] - zero[n, k / block]) * scale[n, k / block] + bias[n]
// where q is unpacked from bytes, the lowest bits first, by a definition of its own.

import TensorIR

/// Inputs: A, B, their scales, their zero points, bias.
func emitMatMulIntegerToFloat(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (a, b) = (try e.quantisedOperand(0), try e.quantisedOperand(1))
    let scales = (try e.single(try e.scaleOperand(2), input: 2), try e.scaleOperand(3))
    let dtype = try e.sameType([scales.0, scales.1])
    let sum = try integerMatrixProduct(
        &e, QuantisedOperand(value: a, zero: try e.perRow(e.optional(4), of: a)),
        QuantisedOperand(value: b, zero: try e.perColumn(e.optional(5))))
    return [try rescaled(&e, sum, scales.0, scales.1, bias: e.optional(6), dtype)]
}

/// Inputs: A (f32), B, its scale, its zero point, bias. A is quantised to u8 by its own range.
func emitDynamicQuantizeMatMul(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (a, b) = (try e.floatOperand(0), try e.quantisedOperand(1))
    let (scale, zero) = try dynamicQuantisation(&e, a)
    let sum = try integerMatrixProduct(
        &e, QuantisedOperand(value: try dynamicallyQuantised(&e, a, scale, zero), zero: zero),
        QuantisedOperand(value: b, zero: try e.perColumn(e.optional(3))))
    return [try rescaled(&e, sum, scale, try e.scaleOperand(2), bias: e.optional(4), .f32)]
}

/// `sum * (a * b) + bias`; `a` is one number, `b` one or one per column.
private func rescaled(
    _ e: inout Emitter, _ sum: ValueID, _ a: ValueID, _ b: ValueID, bias: ValueID?, _ dtype: DType
) throws(NodeProblem) -> ValueID {
    guard let column = try e.perColumn(b) else { preconditionFailure("a scale is there") }
    let dtypes = [e.dtype(a), e.dtype(column)]
    let factor = try e.elementwise([a, column], .f32) { reads in
        conversion(reads[0], from: dtypes[0], to: .f32) * conversion(reads[1], from: dtypes[1], to: .f32)
    }
    if let bias, e.dtype(bias) != dtype { throw .mixedTypes([dtype, e.dtype(bias)]) }
    let operands = [sum, factor] + (bias.map { [$0] } ?? [])
    let result = e.shape(sum)
    for operand in operands where broadcast(result, e.shape(operand)) != result {
        throw .misfit("\(shapeText(e.shape(operand))) beside a product of \(shapeText(result))")
    }
    return try e.elementwise(operands, dtype) { reads in
        var value = Expr.cast(.f32, reads[0]) * reads[1]
        if reads.count > 2 { value = value + conversion(reads[2], from: dtype, to: .f32) }
        return conversion(value, from: .f32, to: dtype)
    }
}

/// Inputs: A, packed weights, scales, zero points, group of each row of the weights, bias.
func emitMatMulNBits(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let a = try e.floatOperand(0)
    let packing = try Packing(e)
    let shape = e.shape(a)
    guard shape.last == packing.depth else { throw .misfit("\(shapeText(shape)) times \(packing.depth) rows") }
    let weights = try unpacked(&e, packing, e.dtype(a))
    let dtype = e.dtype(a)
    let wide = e.dtype(weights)
    let result = Array(shape.dropLast()) + [packing.columns]
    guard isReasonable(result) else { throw .tooLarge(result) }
    let all = coordinates(result)
    let k = packing.depth == 1 ? Expr.integer(0) : .axis(result.count)
    let left = conversion(.read(slot: 0, Array(all.dropLast()) + [k]), from: dtype, to: wide)
    let product = left * .read(slot: 1, [all[result.count - 1], k])
    let sum = try e.define(
        [a, weights], TensorType(wide, result),
        .reduce(.sum, extents: [packing.depth], condition: nil, product))
    guard let bias = e.optional(5) else { return [try e.cast(sum, to: dtype)] }
    guard e.dtype(bias) == dtype, e.shape(bias) == [packing.columns] else {
        throw .misfit("a bias of \(e.dtype(bias).rawValue)\(shapeText(e.shape(bias)))")
    }
    return [
        try e.elementwise([sum, bias], dtype) { reads in
            conversion(reads[0] + conversion(reads[1], from: dtype, to: wide), from: wide, to: dtype)
        }
    ]
}

/// How weights of few bits lie in bytes.
private struct Packing {
    var depth: Int
    var columns: Int
    var bits: Int
    var block: Int

    var blocks: Int { (depth + block - 1) / block }
    var perByte: Int { 8 / bits }
    var blockBytes: Int { block / perByte }

    init(_ e: Emitter) throws(NodeProblem) {
        func needed(_ name: String, default value: Int = 0) throws(NodeProblem) -> Int {
            let found = try e.integer(name, default: value)
            guard found > 0 else { throw .attribute(name, reason: "is \(found)") }
            return found
        }
        (depth, columns, block) = (try needed("K"), try needed("N"), try needed("block_size"))
        bits = try needed("bits", default: 4)
        guard [2, 4, 8].contains(bits) else { throw .unsupportedForm("weights of \(bits) bits") }
        guard block % perByte == 0 else {
            throw .attribute("block_size", reason: "is \(block), which is no whole bytes")
        }
        guard try e.integer("weight_prepacked", default: 0) == 0 else {
            throw .unsupportedForm("weights in a layout of one device (weight_prepacked)")
        }
    }

    /// The element at `position`, counted in elements, of bytes that `byte` reads; as i32.
    func element(at position: Expr, _ byte: (Expr) -> Expr) -> Expr {
        guard perByte > 1 else { return .cast(.i32, byte(position)) }
        let whole = Expr.cast(.i32, byte(.binary(.floorDivide, position, .integer(perByte))))
        let shift = Expr.binary(.floorModulo, position, .integer(perByte)) * .integer(bits)
        return .binary(
            .bitAnd, .binary(.shiftRight, whole, .cast(.i32, shift)), .literal(.integer(1 << bits - 1, .i32)))
    }
}

/// The weights as floats, one row per column of the product.
private func unpacked(_ e: inout Emitter, _ packing: Packing, _ dtype: DType) throws(NodeProblem) -> ValueID {
    let wide = accumulator(dtype)
    let data = try e.operand(1)
    let scales = try e.floatOperand(2)
    guard e.dtype(data) == .u8 else { throw .wrongType(input: 1, e.dtype(data), expected: "u8") }
    guard e.dtype(scales) == dtype else { throw .mixedTypes([dtype, e.dtype(scales)]) }
    let bytes = try e.reshaped(data, to: [packing.columns, packing.blocks, packing.blockBytes])
    let steps = try e.reshaped(scales, to: [packing.columns, packing.blocks])
    let shape = [packing.columns, packing.depth]
    guard isReasonable(shape) else { throw .tooLarge(shape) }
    let all = coordinates(shape)
    var slots = Slots()
    let own = Expr.binary(.floorDivide, all[1], .integer(packing.block))
    var group = own
    if let groups = e.optional(4) {
        guard e.dtype(groups) == .i32, e.type(groups).rank == 1, e.shape(groups)[0] >= packing.depth else {
            throw .misfit("groups of \(e.dtype(groups).rawValue)\(shapeText(e.shape(groups)))")
        }
        group = .cast(.i64, .read(slot: slots.slot(groups), [all[1]]))
    }
    let inBlock = Expr.binary(.floorModulo, all[1], .integer(packing.block))
    let slot = slots.slot(bytes)
    let code = packing.element(at: inBlock) { .read(slot: slot, [all[0], own, $0]) }
    var value = Expr.cast(wide, code)
    if let zeros = e.optional(3) {
        if e.dtype(zeros) == .u8 {
            let rowBytes = (packing.blocks + packing.perByte - 1) / packing.perByte
            let slot = slots.slot(try e.reshaped(zeros, to: [packing.columns, rowBytes]))
            value = .cast(wide, code - packing.element(at: group) { .read(slot: slot, [all[0], $0]) })
        } else {
            guard e.dtype(zeros) == dtype else { throw .mixedTypes([dtype, e.dtype(zeros)]) }
            let slot = slots.slot(try e.reshaped(zeros, to: [packing.columns, packing.blocks]))
            value = value - conversion(.read(slot: slot, [all[0], group]), from: dtype, to: wide)
        }
    } else {
        value = .cast(wide, code - .literal(.integer(1 << (packing.bits - 1), .i32)))
    }
    let step = conversion(.read(slot: slots.slot(steps), [all[0], group]), from: dtype, to: wide)
    return try e.mapped(slots.values, TensorType(wide, shape)) { _ in value * step }
}
