// Small models for assembly tests, written as definitions over a, b, c, …, with constants drawn from a seed; and how
// an assembled program is run without a compiler: the program's interpreter calls the kernels' interpreter.

import Basics
import DeviceModel
import KernelIR
import ProgramIR
import Schedules
import TensorIR

@testable import Pipeline

struct ModelSketch {
    private(set) var builder = GraphBuilder()
    private var random = SeededRandom(seed: 7)

    mutating func input(_ shape: [Int], _ dtype: DType = .f32) -> ValueID {
        builder.input(name: "x\(builder.values.count)", type: TensorType(dtype, shape))
    }

    mutating func value(_ type: TensorType) -> TensorValue {
        if type.dtype.isFloat {
            return TensorValue(type, floats: (0..<type.elements).map { _ in Double(random.below(17) - 8) / 8 })
        }
        let span = type.dtype == .bool ? 2 : 100
        return TensorValue(type, integers: (0..<type.elements).map { _ in Int64(random.below(span)) })
    }

    mutating func constant(_ shape: [Int]) -> ValueID { builder.constant(value(TensorType(.f32, shape))) }

    mutating func define(_ text: String, _ operands: ValueID...) throws -> ValueID {
        let names = Array("abcdefgh").map(String.init)
        let heads = operands.enumerated().map { "\(names[$0]): \(builder.type($1))" }.joined(separator: ", ")
        let workload = try Workload(parsing: "workload(\(heads)) { out: \(text) } -> out")
        try workload.verify()
        return builder.define(operands, workload.definitions[0])
    }

    func graph(_ outputs: [ValueID]) throws -> Graph {
        let graph = builder.finish(outputs: outputs.enumerated().map { ("y\($0)", $1) })
        try graph.verify()
        return graph
    }
}

struct Model {
    var graph: Graph
    var constants: ConstantStore
    var inputs: [TensorValue]

    init(graph: Graph, inputs: [TensorValue]) {
        self.graph = graph
        self.inputs = inputs
        constants = ConstantStore()
    }

    init(_ sketch: ModelSketch, _ outputs: ValueID...) throws {
        var sketch = sketch
        graph = try sketch.graph(outputs)
        constants = sketch.builder.constants
        let types = graph.body.parameters.map(graph.type)
        inputs = types.map { sketch.value($0) }
    }

    /// Convolution with padding, batch norm and relu twice around a depthwise one, pooling, a classifier, softmax.
    static func convolutions() throws -> Model {
        var s = ModelSketch()
        let x = s.input([1, 3, 8, 10])
        let (w0, s0, b0) = (s.constant([8, 3, 3, 3]), s.constant([8]), s.constant([8]))
        let c0 = try s.define(
            """
            f32[n:1,k:8,y:8,x:10] = sum(c:3,r:3,s:3) b[k,c,r,s] * (y + r >= 1 && y + r < 9 && x + s >= 1 && x + s < 11 \
            ? a[n,c,y+r-1,x+s-1] : 0.0)
            """, x, w0)
        let n0 = try s.define("f32[n:1,k:8,y:8,x:10] = a[n,k,y,x] * b[k] + c[k]", c0, s0, b0)
        let r0 = try s.define("f32[n:1,k:8,y:8,x:10] = max(a[n,k,y,x], 0.0)", n0)
        let w1 = s.constant([8, 3, 3])
        let c1 = try s.define("f32[n:1,c:8,y:3,x:4] = sum(r:3,s:3) a[n,c,y*2+r,x*2+s] * b[c,r,s]", r0, w1)
        let r1 = try s.define("f32[n:1,c:8,y:3,x:4] = max(a[n,c,y,x], 0.0)", c1)
        let w2 = s.constant([8, 8, 1, 1])
        let c2 = try s.define("f32[n:1,k:8,y:3,x:4] = sum(c:8,r:1,s:1) b[k,c,r,s] * a[n,c,y+r,x+s]", r1, w2)
        let sum = try s.define("f32[n:1,k:8,y:3,x:4] = a[n,k,y,x] + b[n,k,y,x]", c2, r1)
        let pool = try s.define("f32[n:1,k:8,y:1,x:1] = sum(r:3,s:4) a[n,k,y+r,x+s]", sum)
        let flat = try s.define("f32[n:1,j:8] = a[n,j,0,0]", pool)
        let (w3, b3) = (s.constant([5, 8]), s.constant([5]))
        let fc = try s.define("f32[n:1,m:5] = sum(k:8) a[n,k] * b[m,k]", flat, w3)
        let biased = try s.define("f32[n:1,m:5] = a[n,m] * 0.0625 + b[m]", fc, b3)
        let y = try softmax(&s, biased, 1, 5)
        return try Model(s, y)
    }

    static func softmax(_ s: inout ModelSketch, _ x: ValueID, _ m: Int, _ n: Int) throws -> ValueID {
        let top = try s.define("f32[i:\(m),u:1] = max(j:\(n)) a[i,j]", x)
        let e = try s.define("f32[i:\(m),j:\(n)] = exp(a[i,j] - b[i,0])", x, top)
        let sum = try s.define("f32[i:\(m),u:1] = sum(j:\(n)) a[i,j]", e)
        return try s.define("f32[i:\(m),j:\(n)] = a[i,j] / b[i,0]", e, sum)
    }

    /// One attention block with an embedding, a mask, two heads, a residual and a norm; the hidden state is an output.
    static func attention() throws -> Model {
        var s = ModelSketch()
        let (ids, mask) = (s.input([1, 6], .i64), s.input([1, 6]))
        let table = s.constant([20, 8])
        let x = try s.define("f32[b:1,i:6,d:8] = a[b[b,i]%20,d]", table, ids)
        var projections: [ValueID] = []
        for _ in 0..<3 {
            let (w, bias) = (s.constant([8, 8]), s.constant([8]))
            let p = try s.define("f32[b:1,i:6,d:8] = sum(k:8) a[b,i,k] * b[k,d]", x, w)
            let q = try s.define("f32[b:1,i:6,d:8] = a[b,i,d] + b[d]", p, bias)
            let heads = try s.define("f32[b:1,i:6,h:2,d:4] = a[b,i,h*4+d]", q)
            projections.append(try s.define("f32[b:1,h:2,i:6,d:4] = a[b,i,h,d]", heads))
        }
        let keys = try s.define("f32[b:1,h:2,d:4,i:6] = a[b,h,i,d]", projections[1])
        let scores = try s.define("f32[b:1,h:2,i:6,j:6] = sum(d:4) a[b,h,i,d] * b[b,h,d,j]", projections[0], keys)
        let masked = try s.define("f32[b:1,h:2,i:6,j:6] = a[b,h,i,j] * 0.5 + b[b,j]", scores, mask)
        let rows = try s.define("f32[r:12,j:6] = a[0,r/6,r%6,j]", masked)
        let weights = try softmax(&s, rows, 12, 6)
        let p = try s.define("f32[b:1,h:2,i:6,j:6] = a[h*6+i,j]", weights)
        let context = try s.define(
            "f32[b:1,h:2,i:6,d:4] = sum(j:6) a[b,h,i,j] * b[b,h,j,d]", p, projections[2])
        let turned = try s.define("f32[b:1,i:6,h:2,d:4] = a[b,h,i,d]", context)
        let joined = try s.define("f32[b:1,i:6,e:8] = a[b,i,e/4,e%4]", turned)
        let w = s.constant([8, 8])
        let out = try s.define("f32[b:1,i:6,d:8] = sum(k:8) a[b,i,k] * b[k,d]", joined, w)
        let residual = try s.define("f32[b:1,i:6,d:8] = a[b,i,d] + b[b,i,d]", out, x)
        let mean = try s.define("f32[b:1,i:6,u:1] = sum(d:8) a[b,i,d] * 0.125", residual)
        let centred = try s.define("f32[b:1,i:6,d:8] = a[b,i,d] - b[b,i,0]", residual, mean)
        let variance = try s.define("f32[b:1,i:6,u:1] = sum(d:8) a[b,i,d] * a[b,i,d] * 0.125", centred)
        let (g, h) = (s.constant([8]), s.constant([8]))
        let y = try s.define(
            "f32[b:1,i:6,d:8] = a[b,i,d] / sqrt(b[b,i,0] + 1.0e-5) * c[d] + d[d]", centred, variance, g, h)
        let pooled = try s.define("f32[b:1,d:8] = sum(i:6) a[b,i,d]", y)
        return try Model(s, pooled, residual)
    }

    /// Outputs that are an input, a constant, the same value twice, a view and something in the middle of a chain.
    static func oddOutputs() throws -> Model {
        var s = ModelSketch()
        let x = s.input([4, 6])
        _ = s.input([3])
        let unused = s.constant([4])
        let e = try s.define("f32[i:4,j:6] = exp(a[i,j])", x)
        let f = try s.define("f32[i:4,j:6] = a[i,j] * 0.5", e)
        let turned = try s.define("f32[j:6,i:4] = a[i,j]", e)
        return try Model(s, x, unused, f, e, f, turned)
    }

    static func all() throws -> [Model] { try [convolutions(), attention(), oddOutputs()] }

    /// The graph's outputs by the tensor interpreter, as bytes round them.
    func expected() throws -> [TensorValue] { try interpret(graph, inputs: inputs, constants: constants) }

    /// The outputs of an assembled program, run without a compiler.
    func run(_ assembly: Assembly) throws -> [TensorValue] {
        try assembly.program.verify()
        let constants = assembly.constants.map { $0.withBytes { Array($0) } }
        var memory = ProgramMemory(assembly.program, inputs: inputs.map(\.bytes), constants: constants)
        try assembly.program.execute(&memory) { (call, operands) throws(KernelTrap) in
            try assembly.kernels[call.kernel].kernel.execute(phase: call.phase, tasks: call.tasks, on: operands)
        }
        return graph.body.results.enumerated().map { n, value in
            let type = graph.type(value)
            return memory.output(n).withUnsafeBytes { TensorValue(type, bytes: $0) }
        }
    }
}

/// Largest difference relative to the largest value; infinite when shapes or kinds differ.
func distance(_ a: [TensorValue], _ b: [TensorValue]) -> Double {
    guard a.map(\.type) == b.map(\.type) else { return .infinity }
    var worst = 0.0
    for (x, y) in zip(a, b) {
        switch (x.elements, y.elements) {
        case (.floats(let p), .floats(let q)):
            let largest = q.reduce(1e-6) { max($0, abs($1)) }
            for (u, v) in zip(p, q) { worst = max(worst, (u - v).isNaN ? .infinity : abs(u - v) / largest) }
        case (.integers(let p), .integers(let q)): if p != q { return .infinity }
        case (.floats, .integers), (.integers, .floats): return .infinity
        }
    }
    return worst
}

func sketchDevice(_ isa: ISA, l2: Int) -> Device {
    Device(
        kind: DeviceClass(
            isa: isa, processor: "made-up", vectorRegisters: isa.vectorRegisters, l1Bytes: l2 / 8, l2Bytes: l2,
            l3Bytes: l2 * 16, lineBytes: 64, lanes: 1),
        calibration: Calibration(
            fmaFlopsPerNs: 100, l2BytesPerNs: 80, l3BytesPerNs: 20, memoryBytesPerNs: 8, mapOperatorsPerNs: 20,
            packElementsPerNs: 4, callNs: 3, phaseNs: 30, referenceNs: 1000))
}

extension AssembledKernel {
    /// The workload and schedule of a kernel that is no extern.
    private var weld: (workload: Workload, schedule: Schedule) {
        guard case .weld(let workload, _, let schedule) = origin else { preconditionFailure("an extern") }
        return (workload, schedule)
    }
    var workload: Workload { weld.workload }
    var winner: Schedule { weld.schedule }
}
