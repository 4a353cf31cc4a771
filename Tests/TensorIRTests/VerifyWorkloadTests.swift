// One workload per rule that breaks it, with the sentence a person reads.

import Basics
import Testing

@testable import TensorIR

/// Wraps the line of t3 (reads t0: f32[4,4], t1: i64[4], t2: bool[]) into a workload and verifies it.
private func sentence(_ definition: String) throws -> String {
    let text = "workload(t0: f32[4,4], t1: i64[4], t2: bool[]) {\n t3: \(definition)\n} -> t3"
    return sentence(try Workload(parsing: text))
}

private func sentence(_ workload: Workload) -> String {
    do {
        try workload.verify()
        return "verified"
    } catch {
        return error.sentence
    }
}

@Test func theSampleItselfVerifies() throws {
    #expect(try sentence("f32[i0:4] = sum(r0:4) t0[i0,r0]") == "verified")
}

@Test func typesOfDefinitionsAreChecked() throws {
    #expect(try sentence("f32[i0:0] = 0.0") == "t3: axis 0 has extent 0; extents are at least 1")
    #expect(
        try sentence("f32[i0:4] = sum(r0:-1) t0[i0,0]")
            == "t3: reduction axis 0 has extent -1; extents are at least 1")
    #expect(
        try sentence("f32[i0:4294967296,i1:4294967296] = 0.0")
            == "t3: the tensor has more than 1099511627776 elements")
    #expect(
        try sentence("f32[] = sum(r0:4294967296,r1:4294967296) 0.0")
            == "t3: space and reduction axes together have more than 1152921504606846976 points")
    let axes = (0..<65).map { "a\($0):1" }.joined(separator: ",")
    #expect(try sentence("f32[\(axes)] = 0.0") == "t3: 65 axes; at most 64 are allowed")
    #expect(try sentence("f32[i0:4] = 0.0:f64") == "t3: the expression gives f64 and the definition declares f32")
    #expect(try sentence("bool[] = sum(r0:4) true") == "t3: sum needs a float or an integer, not bool")
}

@Test func operandsOfOperatorsAreChecked() throws {
    #expect(
        try sentence("f32[i0:4] = t0[i0,0] + 1.0:f64")
            == "t3: the operands of + have dtypes f32 and f64; cast one of them")
    #expect(
        try sentence("i64[i0:4] = max(t1[i0], 1:i32)")
            == "t3: the operands of max have dtypes i64 and i32; cast one of them")
    #expect(try sentence("bool[] = t2[] + true") == "t3: + needs a float or an integer, not bool")
    #expect(try sentence("i64[i0:4] = exp(i0)") == "t3: exp needs a float, not i64")
    #expect(try sentence("i64[i0:4] = fmod(i0, 2)") == "t3: fmod needs a float, not i64")
    #expect(try sentence("f32[i0:4] = truncDiv(t0[i0,0], 2.0)") == "t3: truncDiv needs an integer, not f32")
    #expect(try sentence("bool[i0:4] = !i0") == "t3: ! needs a bool, not i64")
    #expect(try sentence("bool[] = -t2[]") == "t3: unary - needs a float or an integer, not bool")
    #expect(
        try sentence("bool[i0:4] = i0 && t2[]")
            == "t3: the operands of && have dtypes i64 and bool; cast one of them")
    #expect(try sentence("bool[] = t2[] < true") == "t3: < needs a float or an integer, not bool")
    #expect(try sentence("f32[i0:4] = (i0 ? 1.0 : 2.0)") == "t3: a condition is i64; it must be bool")
    #expect(
        try sentence("f32[i0:4] = (t2[] ? 1.0 : 2)")
            == "t3: the sides of a select have dtypes f32 and i64; cast one of them")
    #expect(
        try sentence("f32[i0:4] = sum(r0:4 where r0) t0[i0,r0]")
            == "t3, the condition: a condition is i64; it must be bool")
    #expect(try sentence("u8[] = 256:u8") == "t3: the literal 256 does not fit u8")
}

@Test func readsAreChecked() throws {
    #expect(try sentence("f32[i0:4] = t0[i0]") == "t3: t0 has 2 axes and is read with 1 indices")
    #expect(try sentence("f32[i0:4] = t0[i0,t2[]]") == "t3: index 1 of the read of t0 is bool; indices are i64")
    #expect(
        try sentence("f32[i0:4] = t0[i0-1,0]")
            == "t3: index 0 of the read of t0 runs from -1 to 2 and the extent is 4; guard the read with a select")
    #expect(
        try sentence("f32[i0:4] = sum(r0:2) t0[2*i0+3*r0-8,0]")
            == "t3: index 0 of the read of t0 runs from -8 to 1 and the extent is 4; guard the read with a select")
    #expect(
        try sentence("f32[i0:4] = (t0[i0,4] < 0.0 ? 1.0 : 0.0)")
            == "t3: index 1 of the read of t0 runs from 4 to 4 and the extent is 4; guard the read with a select")
    #expect(try sentence("f32[i0:4] = (i0 >= 1 ? t0[i0-1,0] : 0.0)") == "verified")
    #expect(try sentence("f32[i0:4] = sum(r0:9 where r0 < 4) t0[i0,r0]") == "verified")
    #expect(try sentence("f32[i0:9] = { [0..<5] 0.0; [5..<9] t0[i0-5,0] }") == "verified")
    #expect(try sentence("f32[i0:4] = t0[t1[i0],0]") == "verified")
}

@Test func slotsAndAxesThatTextsCannotNameAreChecked() {
    let type = TensorType(.f32, [2])
    func workload(_ value: Expr) -> Workload {
        Workload(
            parameters: [.init(type: type, isConstant: false)],
            definitions: [Definition(type: type, body: .map(value))], results: [1])
    }
    #expect(
        sentence(workload(.read(slot: 1, [.axis(0)])))
            == "t1: t1 is read and only the first 1 tensors are defined before")
    #expect(
        sentence(workload(.read(slot: 0, [.axis(1)]))) == "t1: axis 1 is used and the definition has 1")
    var nested = Expr.float(1)
    for _ in 0..<70 { nested = .unary(.exp, nested) }
    #expect(sentence(workload(nested)) == "t1: the expression nests deeper than 64 brackets")
    var long = Expr.float(1)
    for _ in 0..<600 { long = long + .float(1) }
    #expect(sentence(workload(long)) == "t1: the expression is a tree of more than 512 levels")
}

@Test func piecesMustTileTheResult() throws {
    #expect(try sentence("f32[i0:4] = { [0..<2] 0.0 }") == "t3: the pieces cover 2 of 4 elements; they must cover all")
    #expect(try sentence("f32[i0:4] = { [0..<3] 0.0; [2..<4] 1.0 }") == "t3: pieces 0 and 1 overlap")
    #expect(
        try sentence("f32[i0:4] = { [0..<5] 0.0 }")
            == "t3, piece 0: the box takes 0..<5 of axis 0, whose extent is 4")
    #expect(
        try sentence("f32[i0:4] = { [0..<4] 0.0; [2..<2] 1.0 }") == "t3, piece 1: the box is empty along axis 0")
    #expect(
        try sentence("f32[i0:4] = { [0..<4, 0..<1] 0.0 }")
            == "t3, piece 0: the box has 2 ranges and the result 1 axes")
    #expect(
        try sentence("f32[i0:4] = { [0..<2] t0[i0,0]; [2..<4] t0[i0-3,0] }")
            == "t3, piece 1: index 0 of the read of t0 runs from -1 to 0 and the extent is 4; "
            + "guard the read with a select")
    let many = (0..<1025).map { "[\($0)..<\($0 + 1)] 0.0" }.joined(separator: "; ")
    #expect(try sentence("f32[i0:1025] = { \(many) }") == "t3: 1025 pieces; at most 1024 are allowed")
}

@Test func resultsMustExist() {
    let parameter = Workload.Parameter(type: TensorType(.f32, [2]), isConstant: false)
    #expect(
        sentence(Workload(parameters: [parameter], definitions: [], results: []))
            == "the results: there is no result; name at least one")
    #expect(
        sentence(Workload(parameters: [parameter], definitions: [], results: [1]))
            == "the results: t1 is a result and there are 1 tensors")
    let empty = Workload.Parameter(type: TensorType(.f32, [2, 0]), isConstant: false)
    #expect(
        sentence(Workload(parameters: [empty], definitions: [], results: [0]))
            == "t0: axis 1 has extent 0; extents are at least 1")
}
