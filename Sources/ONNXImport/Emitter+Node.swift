// Reads the current node: attributes with their defaults, operands with their types, and operands that must be known
// at compile time. Everything that does not fit is a NodeProblem with the facts.
// Attributes are bounded here, once, so that families may add and multiply them without a thought of overflow.

import TensorIR

extension Emitter {
    /// Attributes are integers below 2^31 in size, which keeps all arithmetic on them inside 64 bits.
    static let attributeMagnitudeMax = Int(Int32.max)
    /// Shapes, axes and indices that must be known have at most this many elements.
    static let knownElementsMax = 1 << 16

    func attribute(_ name: String) -> Ironworks_Onnx_AttributeProto? { node.attribute.first { $0.name == name } }

    func integer(_ name: String) throws(NodeProblem) -> Int? {
        guard let attribute = attribute(name) else { return nil }
        guard attribute.type == .int || attribute.type == .undefined else {
            throw .attribute(name, reason: "is not an integer")
        }
        return try bounded(attribute.i, name)
    }

    func integer(_ name: String, default value: Int) throws(NodeProblem) -> Int { try integer(name) ?? value }

    /// A switch: 0 or 1.
    func flag(_ name: String, default value: Bool = false) throws(NodeProblem) -> Bool {
        try integer(name).map { $0 != 0 } ?? value
    }

    func integers(_ name: String) throws(NodeProblem) -> [Int]? {
        guard let wide = try wideIntegers(name) else { return nil }
        var out: [Int] = []
        for value in wide { out.append(try bounded(Int64(value), name)) }
        return out
    }

    /// Integers of any size, for slices that say "to the end" with the greatest one.
    func wideIntegers(_ name: String) throws(NodeProblem) -> [Int]? {
        guard let attribute = attribute(name) else { return nil }
        guard attribute.type == .ints || attribute.type == .undefined else {
            throw .attribute(name, reason: "is not a list of integers")
        }
        return attribute.ints.map { Int($0) }
    }

    func float(_ name: String) throws(NodeProblem) -> Double? {
        guard let attribute = attribute(name) else { return nil }
        guard attribute.type == .float || attribute.type == .undefined else {
            throw .attribute(name, reason: "is not a number")
        }
        return Double(attribute.f)
    }

    func float(_ name: String, default value: Double) throws(NodeProblem) -> Double { try float(name) ?? value }

    func text(_ name: String, default value: String) throws(NodeProblem) -> String {
        guard let attribute = attribute(name) else { return value }
        guard attribute.type == .string || attribute.type == .undefined else {
            throw .attribute(name, reason: "is not a text")
        }
        return String(decoding: attribute.s, as: UTF8.self)
    }

    private func bounded(_ value: Int64, _ name: String) throws(NodeProblem) -> Int {
        guard value.magnitude <= Emitter.attributeMagnitudeMax else {
            throw .attribute(name, reason: "is \(value), beyond ±(2^31 - 1)")
        }
        return Int(value)
    }

    func optional(_ index: Int) -> ValueID? { index < inputs.count ? inputs[index] : nil }

    func operand(_ index: Int) throws(NodeProblem) -> ValueID {
        guard let value = optional(index) else { throw .missingInput(index) }
        guard elements(of: value) == nil else { throw .unsupportedForm("a sequence as its input \(index)") }
        return value
    }

    /// The tensors of the sequence that is input `index`.
    func sequenceOperand(_ index: Int) throws(NodeProblem) -> [ValueID] {
        guard let value = optional(index) else { throw .missingInput(index) }
        guard let elements = elements(of: value) else { throw .misfit("input \(index) is no sequence") }
        return elements
    }

    /// Every operand of a variadic operator; at least one.
    func operands() throws(NodeProblem) -> [ValueID] {
        guard !inputs.isEmpty else { throw .missingInput(0) }
        var out: [ValueID] = []
        for index in inputs.indices { out.append(try operand(index)) }
        return out
    }

    func floatOperand(_ index: Int) throws(NodeProblem) -> ValueID {
        let value = try operand(index)
        guard dtype(value).isFloat, !dtype(value).isStorage else {
            throw .wrongType(input: index, dtype(value), expected: "floats")
        }
        return value
    }

    func numberOperand(_ index: Int) throws(NodeProblem) -> ValueID {
        let value = try operand(index)
        guard dtype(value) != .bool, !dtype(value).isStorage else {
            throw .wrongType(input: index, dtype(value), expected: "numbers")
        }
        return value
    }

    /// An operand of any dtype that is computed in, bool included.
    func computedOperand(_ index: Int) throws(NodeProblem) -> ValueID {
        let value = try operand(index)
        guard !dtype(value).isStorage else {
            throw .wrongType(input: index, dtype(value), expected: "numbers or bool")
        }
        return value
    }

    func boolOperand(_ index: Int) throws(NodeProblem) -> ValueID {
        let value = try operand(index)
        guard dtype(value) == .bool else { throw .wrongType(input: index, dtype(value), expected: "bool") }
        return value
    }

    func indexOperand(_ index: Int) throws(NodeProblem) -> ValueID {
        let value = try operand(index)
        guard dtype(value) == .i64 || dtype(value) == .i32 else {
            throw .wrongType(input: index, dtype(value), expected: "i32 or i64")
        }
        return value
    }

    /// The common dtype of `values`.
    func sameType(_ values: [ValueID]) throws(NodeProblem) -> DType {
        let dtypes = values.map { dtype($0) }
        guard let first = dtypes.first, dtypes.allSatisfy({ $0 == first }) else {
            throw .mixedTypes(dtypes.reduce(into: []) { if !$0.contains($1) { $0.append($1) } })
        }
        return first
    }

    /// A vector (or scalar) of integers that is known now; `name` is what ONNX calls the input.
    func knownIntegers(_ index: Int, _ name: String) throws(NodeProblem) -> [Int] {
        let value = try indexOperand(index)
        guard builder.isConstant(value) else { throw .needsConstant(input: index, name: name) }
        guard type(value).rank <= 1, type(value).elements <= Emitter.knownElementsMax,
            let known = builder.constantValue(value)
        else { throw .misfit("its input \(index) (\(name)) has the shape \(shapeText(shape(value)))") }
        return known.literals.map { Int($0.integer) }
    }

    /// `knownIntegers` of an input that may be left out.
    func knownIntegersIfPresent(_ index: Int, _ name: String) throws(NodeProblem) -> [Int]? {
        optional(index) == nil ? nil : try knownIntegers(index, name)
    }

    /// Counts a negative axis from the end.
    func axis(_ raw: Int, rank: Int) throws(NodeProblem) -> Int {
        guard raw >= -rank, raw < rank else { throw .misfit("axis \(raw) of \(rank) axes") }
        return raw < 0 ? raw + rank : raw
    }

    /// Normalised axes in ascending order.
    func axes(_ raw: [Int], rank: Int) throws(NodeProblem) -> [Int] {
        var out: [Int] = []
        for one in raw {
            let axis = try axis(one, rank: rank)
            guard !out.contains(axis) else { throw .misfit("axis \(axis) is named twice") }
            out.append(axis)
        }
        return out.sorted()
    }

    /// Whether the node names its output `index`.
    func wantsOutput(_ index: Int) -> Bool { index < node.output.count && !node.output[index].isEmpty }
}
