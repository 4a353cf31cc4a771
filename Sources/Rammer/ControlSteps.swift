// Control flow whose course depends on data, as the steps of the lane that runs it: the calls inside follow one
// another on that lane, all of their tasks, so they need no waits. Each level of nesting has scalars of its own.
//
//     load s1 = trips; for s2 in 0 ..< s1 { load s3 = goes on; stop if s3 == 0; … }
//
// Source: Cocktailer (OSDI 2023) 4.2 places such a construct at one unit; deviation D1 in docs/compilers/rammer.md.

import ProgramIR
import TensorIR

struct ControlSteps {
    /// Scalars per level: a bound, a counter, a truth.
    private static let perLevel = 3
    /// More rounds than any run makes.
    private static let endless = Expr.integer(Int.max)

    private let graph: TaskGraph
    private let buffers: [Int: Int]

    /// - Parameter buffers: the program's buffers of the values.
    init(_ graph: TaskGraph, buffers: [Int: Int]) {
        self.graph = graph
        self.buffers = buffers
    }

    /// Scalars of a program over `calls`, the depth of calls included.
    static func scalars(_ calls: [TaskGraph.Call]) -> Int { 1 + perLevel * levels(calls) }

    private static func levels(_ calls: [TaskGraph.Call]) -> Int {
        calls.map { call -> Int in
            switch call.work {
            case .kernel: 0
            case .loop(_, _, let body): 1 + levels(body)
            case .branch(_, let then, let otherwise): 1 + max(levels(then), levels(otherwise))
            }
        }.max() ?? 0
    }

    private func buffer(_ value: Int) -> Int {
        guard let number = buffers[value] else { preconditionFailure("a call lists every value that it touches") }
        return number
    }

    func steps(_ call: TaskGraph.Call, depth: Int) -> [Step] {
        let first = 1 + depth * ControlSteps.perLevel
        let (bound, counter, truth) = (first, first + 1, first + 2)
        switch call.work {
        case .kernel(let kernel):
            let operands = call.operands.map { Address(buffer: buffer($0)) }
            return graph.kernels[kernel].use.phases.enumerated().map { phase, tasks in
                .run(kernel: kernel, phase: phase, from: .integer(0), to: .integer(tasks), operands: operands)
            }
        case .loop(let tripCount, let goesOn, let body):
            var inner: [Step] = []
            if let goesOn {
                inner.append(.load(scalar: truth, Address(buffer: buffer(goesOn)), .bool))
                inner.append(.stopIf(.binary(.equal, .axis(truth), .integer(0))))
            }
            inner += body.flatMap { steps($0, depth: depth + 1) }
            guard let tripCount else {
                return [.loop(scalar: counter, from: .integer(0), to: ControlSteps.endless, inner)]
            }
            return [
                .load(scalar: bound, Address(buffer: buffer(tripCount)), .i64),
                .loop(scalar: counter, from: .integer(0), to: .axis(bound), inner),
            ]
        case .branch(let condition, let then, let otherwise):
            return [
                .load(scalar: truth, Address(buffer: buffer(condition)), .bool),
                .branch(
                    .binary(.notEqual, .axis(truth), .integer(0)), then.flatMap { steps($0, depth: depth + 1) },
                    otherwise.flatMap { steps($0, depth: depth + 1) }),
            ]
        }
    }
}
