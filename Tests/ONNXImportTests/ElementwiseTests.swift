// Elementwise operators: values by hand or from the C library, broadcasting, exact integers, and what they do with
// NaN and with old versions of the operator set.
// A case that fails names its operator.

import Glibc
import TensorIR
import Testing

@testable import ONNXImport

private let x = floats([4], [-2, -0.5, 0, 3])

private func unary(
    _ name: String, version: Int64 = 20, _ operand: TensorValue = x, _ attributes: [Ironworks_Onnx_AttributeProto] = []
) throws -> [Double] {
    guard case .floats(let values) = try evaluate(name, version: version, [operand], attributes)[0].elements else {
        return []
    }
    return values
}

private let handMade: [(name: String, values: [Double])] = [
    ("Relu", [0, 0, 0, 3]),
    ("Abs", [2, 0.5, 0, 3]),
    ("Neg", [2, 0.5, 0, -3]),
    ("Sign", [-1, -1, 0, 1]),
    ("Floor", [-2, -1, 0, 3]),
    ("Ceil", [-2, 0, 0, 3]),
    ("Round", [-2, 0, 0, 3]),
    ("HardSwish", [-0.3333333333, -0.2083333333, 0, 3]),
    ("HardSigmoid", [0.1, 0.4, 0.5, 1]),
    ("LeakyRelu", [-0.02, -0.005, 0, 3]),
    ("ThresholdedRelu", [0, 0, 0, 3]),
    ("Softsign", [-0.6666666667, -0.3333333333, 0, 0.75]),
]

@Test func activationsByHand() throws {
    for (name, expected) in handMade {
        let values = try unary(name)
        #expect(values.count == 4 && zip(values, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(name)")
    }
}

/// What the C library says about the same operators.
private func library(_ name: String, _ x: Double) -> Double {
    switch name {
    case "Exp": return exp(x)
    case "Tanh": return tanh(x)
    case "Erf": return erf(x)
    case "Sin": return sin(x)
    case "Cos": return cos(x)
    case "Tan": return tan(x)
    case "Sinh": return sinh(x)
    case "Cosh": return cosh(x)
    case "Asinh": return asinh(x)
    case "Sigmoid": return 1 / (1 + exp(-x))
    case "Softplus": return log1p(exp(x))
    case "Mish": return x * tanh(log1p(exp(x)))
    case "Elu", "Celu": return x < 0 ? expm1(x) : x
    case "Gelu": return 0.5 * x * (1 + erf(x / sqrt(2)))
    case "Selu": return 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * expm1(x) : x)
    default: return .nan
    }
}

@Test(arguments: [
    "Exp", "Tanh", "Erf", "Sin", "Cos", "Tan", "Sinh", "Cosh", "Asinh", "Sigmoid", "Softplus", "Mish", "Elu", "Celu",
    "Gelu", "Selu",
])
func functionsAgreeWithTheLibrary(name: String) throws {
    let values = try unary(name)
    let expected = [-2, -0.5, 0, 3].map { library(name, $0) }
    #expect(values.count == 4 && zip(values, expected).allSatisfy { abs($0 - $1) < 1e-6 })
}

@Test func attributesReachTheirFormulas() throws {
    #expect(try unary("LeakyRelu", x, [attribute("alpha", Float(0.5))]) == [-1, -0.25, 0, 3])
    #expect(try unary("Gelu", floats([1], [1]), [attribute("approximate", "tanh")])[0] < 0.8412)
    #expect(try unary("Gelu", floats([1], [1]), [attribute("approximate", "tanh")])[0] > 0.8411)
    #expect(try unary("Softplus", floats([1], [1000])) == [1000])
}

@Test func operandsBroadcast() throws {
    let sum = try evaluate("Add", [counting([2, 1]), floats([3], [10, 20, 30])])
    #expect(sum[0] == floats([2, 3], [10, 20, 30, 11, 21, 31]))
    #expect(try evaluate("Mul", [floats([], [3]), counting([2])], known: [0])[0] == floats([2], [0, 3]))
    #expect(try evaluate("Sub", [x, x])[0] == floats([4], [0, 0, 0, 0]))
}

@Test func beforeVersionSevenAnAxisAligned() throws {
    let y = try evaluate(
        "Add", version: 6, [counting([2, 3]), floats([2], [10, 20])],
        [attribute("axis", Int64(0)), attribute("broadcast", Int64(1))])
    #expect(y[0] == floats([2, 3], [10, 11, 12, 23, 24, 25]))
}

@Test func integersStayExact() throws {
    let a = integers([3], [7, -7, Int64.max])
    #expect(try evaluate("Div", [a, vector(2, 2, 1)])[0] == vector(3, -3, Int64.max))
    #expect(try evaluate("Add", [a, vector(1, 1, 1)])[0] == vector(8, -6, Int64.min))
    #expect(try evaluate("Mod", [a, vector(4, 4, 2)])[0] == vector(3, 1, 1))
    #expect(try evaluate("Mod", [a, vector(4, 4, 2)], [attribute("fmod", Int64(1))])[0] == vector(3, -3, 1))
    #expect(try evaluate("Div", [a, vector(0, 0, 0)])[0].type.shape == [3])
    #expect(try evaluate("Pow", [vector(3, 5), vector(4, 0)])[0] == vector(81, 1))
}

@Test func powersKeepTheBaseType() throws {
    #expect(try evaluate("Pow", [floats([2], [3, -2]), vector(2)], known: [1])[0] == floats([2], [9, 4]))
    #expect(try evaluate("Pow", [floats([2], [4, 9]), floats([], [0.5])], known: [1])[0] == floats([2], [2, 3]))
    #expect(try evaluate("Pow", [vector(4, 9), floats([], [0.5])])[0] == vector(2, 3))
    let imported = try importModel(try oneNode("Pow", [x, floats([], [2])], known: [1]).file())
    #expect(!imported.graph.text.contains("power"))
}

@Test func integersToPowersOfFloatsAreExact() throws {
    let exponents = floats([3], [4, 5, 6])
    #expect(try evaluate("Pow", [integers([3], [1, 2, 3], .i32), exponents])[0] == integers([3], [1, 32, 729], .i32))
    // more digits than a double has
    let large = try evaluate("Pow", [vector(3, -3), floats([2], [39, 39])])
    #expect(large[0] == vector(4_052_555_153_018_976_267, -4_052_555_153_018_976_267))
    let odd = try evaluate("Pow", [vector(2, 10, 1, 0), floats([4], [-1, 0.5, .infinity, 0])])
    #expect(odd[0] == vector(0, 3, 1, 1))
}

@Test func floorModuloGivesZerosTheDivisorsSign() throws {
    let (a, b) = (floats([4], [0, -0.0, 0, -0.0]), floats([4], [-2, 2, 2, -2]))
    let found = try evaluate("Mod", version: 28, [a, b])[0].literals.map(\.float)
    #expect(found.map(\.sign) == [.minus, .plus, .plus, .minus] && found.allSatisfy { $0 == 0 })
    let rest = try evaluate("Mod", version: 28, [floats([3], [-3, 3, -4.5]), floats([3], [2, -2, .infinity])])
    #expect(rest[0] == floats([3], [1, -1, .infinity]))
}

@Test func clipHasBothForms() throws {
    let old = [attribute("min", Float(-1)), attribute("max", Float(1))]
    #expect(try evaluate("Clip", version: 6, [x], old)[0] == floats([4], [-1, -0.5, 0, 1]))
    #expect(try evaluate("Clip", [x, nil, floats([], [1])], known: [2])[0] == floats([4], [-2, -0.5, 0, 1]))
    #expect(try evaluate("Clip", [x, floats([], [-1]), floats([], [1])])[0] == floats([4], [-1, -0.5, 0, 1]))
    #expect(try evaluate("Clip", [x])[0] == x)
    #expect(try evaluate("Clip", [vector(1, 5, 9), integers([], [2]), integers([], [6])])[0] == vector(2, 5, 6))
}

@Test func notANumberPasses() throws {
    let odd = floats([2], [.nan, 1])
    #expect(agree(try evaluate("Relu", [odd])[0], odd))
    #expect(agree(try evaluate("Max", [odd, floats([2], [5, 5])])[0], floats([2], [.nan, 5])))
    #expect(agree(try evaluate("Min", [floats([2], [5, 5]), odd])[0], odd))
    #expect(try evaluate("IsNaN", [odd])[0] == integers([2], [1, 0], .bool))
    #expect(try evaluate("IsInf", [floats([3], [.infinity, -.infinity, 0])])[0] == integers([3], [1, 1, 0], .bool))
}

@Test func variadicOperatorsTakeAnyNumber() throws {
    let parts = [floats([2], [1, 5]), floats([1], [3]), floats([2], [2, 2])]
    #expect(try evaluate("Max", parts)[0] == floats([2], [3, 5]))
    #expect(try evaluate("Min", parts)[0] == floats([2], [1, 2]))
    #expect(try evaluate("Sum", parts)[0] == floats([2], [6, 10]))
    #expect(try evaluate("Mean", parts)[0] == floats([2], [2, 10.0 / 3]))
    #expect(try evaluate("Sum", [x])[0] == x)
}

@Test func comparisonsAndLogicGiveBool() throws {
    let (a, b) = (vector(1, 2, 3), vector(2, 2, 2))
    func bools(_ values: Int64...) -> TensorValue { integers([values.count], values, .bool) }
    #expect(try evaluate("Less", [a, b])[0] == bools(1, 0, 0))
    #expect(try evaluate("LessOrEqual", [a, b])[0] == bools(1, 1, 0))
    #expect(try evaluate("Greater", [a, b])[0] == bools(0, 0, 1))
    #expect(try evaluate("GreaterOrEqual", [a, b])[0] == bools(0, 1, 1))
    #expect(try evaluate("Equal", [a, b])[0] == bools(0, 1, 0))
    let (p, q) = (bools(1, 1, 0), bools(1, 0, 0))
    #expect(try evaluate("And", [p, q])[0] == bools(1, 0, 0))
    #expect(try evaluate("Or", [p, q])[0] == bools(1, 1, 0))
    #expect(try evaluate("Xor", [p, q])[0] == bools(0, 1, 0))
    #expect(try evaluate("Not", [p])[0] == bools(0, 0, 1))
    #expect(try evaluate("Equal", [p, q])[0] == bools(1, 0, 1))
    #expect(try evaluate("Where", [p, a, b])[0] == vector(1, 2, 2))
}

@Test func castsTruncateAndSaturate() throws {
    let y = try evaluate("Cast", [floats([4], [-1.7, 2.9, 1e10, .nan])], [attribute("to", Int64(6))])
    #expect(y[0] == integers([4], [-1, 2, 2_147_483_647, 0], .i32))
    #expect(try evaluate("Cast", [x], [attribute("to", Int64(9))])[0] == integers([4], [1, 1, 0, 1], .bool))
    #expect(try evaluate("Cast", [vector(300)], [attribute("to", Int64(2))])[0] == integers([1], [44], .u8))
    #expect(
        sentence { _ = try importModel(try oneNode("Cast", [x], [attribute("to", Int64(8))]).file()) }
            == "Cast node \"n\" of m.onnx uses a conversion to string, which is not supported")
}
