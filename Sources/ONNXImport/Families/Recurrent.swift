// LSTM, GRU and RNN, spelled out step by step. The part of every gate that reads the input is one contraction over all
// steps; a step then contracts the hidden state with the recurrent weights and applies the gates. All steps read the
// same tensors at other offsets, so they are one workload.
//   X[t,b,i]  W[d,gate·h,i]  R[d,gate·h,h]  B[d,2·gate·h]  ->  Y[t,d,b,h], last H (and C)
// With sequence lengths a step behind the end of its sequence keeps the state and gives 0; a reversed direction then
// starts at each sequence's own end.

import TensorIR

enum RecurrentCell: Sendable {
    case rnn, gru, lstm

    var gates: Int {
        switch self {
        case .rnn: 1
        case .gru: 3
        case .lstm: 4
        }
    }

    /// Activations of one direction, when the node names none.
    var activations: [String] {
        switch self {
        case .rnn: ["Tanh"]
        case .gru: ["Sigmoid", "Tanh"]
        case .lstm: ["Sigmoid", "Tanh", "Tanh"]
        }
    }

    var stateCount: Int { self == .lstm ? 2 : 1 }

    var family: OperatorFamily {
        { (e: inout Emitter) throws(NodeProblem) in
            var recurrence = try Recurrence(&e, self)
            return try recurrence.emit(&e)
        }
    }
}

/// One node: operands, sizes and settings.
private struct Recurrence {
    let cell: RecurrentCell
    let x: ValueID
    let w: ValueID
    let r: ValueID
    let bias: ValueID?
    let lengths: ValueID?
    /// Initial hidden state, and the cell's where there is one.
    let initial: [ValueID?]
    let peepholes: ValueID?
    let steps: Int
    let batch: Int
    let inputs: Int
    let hidden: Int
    let batchFirst: Bool
    let directions: [Bool]
    let activations: [RecurrentActivation]
    let clip: Double?
    let couples: Bool
    let resetsAfter: Bool
    let dtype: DType

    init(_ e: inout Emitter, _ cell: RecurrentCell) throws(NodeProblem) {
        self.cell = cell
        x = try e.floatOperand(0)
        w = try e.floatOperand(1)
        r = try e.floatOperand(2)
        bias = e.optional(3)
        lengths = e.optional(4) == nil ? nil : try e.indexOperand(4)
        initial = (0..<cell.stateCount).map { e.optional(5 + $0) }
        peepholes = cell == .lstm ? e.optional(7) : nil
        dtype = try e.sameType([x, w, r] + [bias, peepholes].compactMap { $0 } + initial.compactMap { $0 })
        switch try e.text("direction", default: "forward") {
        case "forward": directions = [false]
        case "reverse": directions = [true]
        case "bidirectional": directions = [false, true]
        case let other: throw .attribute("direction", reason: "has the unknown value \"\(other)\"")
        }
        let batchFirst = try e.flag("layout")
        self.batchFirst = batchFirst
        let (shape, weights) = (e.shape(x), e.shape(w))
        guard shape.count == 3, weights.count == 3, weights[0] == directions.count, weights[1] % cell.gates == 0 else {
            throw .misfit("\(shapeText(shape)) through weights of \(shapeText(weights))")
        }
        (steps, batch, inputs) = (shape[batchFirst ? 1 : 0], shape[batchFirst ? 0 : 1], shape[2])
        let (hidden, count) = (weights[1] / cell.gates, directions.count)
        self.hidden = hidden
        guard steps > 0, batch > 0, hidden > 0, weights[2] == inputs,
            e.shape(r) == [count, cell.gates * hidden, hidden],
            fits(e, bias, [count, 2 * cell.gates * hidden]), fits(e, peepholes, [count, 3 * hidden]),
            fits(e, lengths, [batch])
        else { throw .misfit("weights of \(shapeText(weights)) and \(shapeText(e.shape(r))) for \(shapeText(shape))") }
        let state = batchFirst ? [batch, directions.count, hidden] : [directions.count, batch, hidden]
        for case let value? in initial where e.shape(value) != state {
            throw .misfit("an initial state of \(shapeText(e.shape(value))), and \(shapeText(state)) is needed")
        }
        activations = try RecurrentActivation.all(&e, cell, directions: directions.count)
        clip = try e.float("clip")
        couples = try e.flag("input_forget")
        resetsAfter = try e.flag("linear_before_reset")
    }

    mutating func emit(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
        var perDirection: [[ValueID]] = []
        var last = [[ValueID]](repeating: [], count: cell.stateCount)
        for direction in directions.indices {
            let (outputs, state) = try run(&e, direction)
            perDirection.append(outputs)
            for n in state.indices { last[n].append(state[n]) }
        }
        // Y: steps of [b, h] per direction
        let stateAxis = batchFirst ? 1 : 0
        var results: [ValueID] = []
        var rows: [ValueID] = []
        for step in 0..<steps { rows.append(try stack(&e, perDirection.map { $0[step] }, axis: stateAxis)) }
        results.append(try stack(&e, rows, axis: batchFirst ? 1 : 0))
        for values in last { results.append(try stack(&e, values, axis: stateAxis)) }
        return results
    }

    /// The hidden state after each step, in the order of the steps, and the last states.
    private func run(
        _ e: inout Emitter, _ direction: Int
    ) throws(NodeProblem) -> (outputs: [ValueID], state: [ValueID]) {
        let gates = try inputGates(&e, direction)
        let type = TensorType(dtype, [batch, hidden])
        var state: [ValueID] = []
        for value in initial {
            if let value {
                state.append(try slice(&e, value, axis: batchFirst ? 1 : 0, direction))
            } else {
                state.append(try e.define([], type, .map(zero(dtype))))
            }
        }
        var outputs = [ValueID](repeating: state[0], count: steps)
        for n in 0..<steps {
            let step = directions[direction] ? steps - 1 - n : n
            let new = try self.step(&e, gates, step, direction, state)
            guard let lengths else {
                state = new
                outputs[step] = new[0]
                continue
            }
            let runs = { (reads: [Expr]) -> Expr in .binary(.less, .integer(step), .cast(.i64, reads[0])) }
            outputs[step] = try e.elementwise([Operand(lengths, along: 0), Operand(new[0])], dtype) {
                .select(runs($0), $0[1], zero(dtype))
            }
            for s in state.indices {
                state[s] = try e.elementwise([Operand(lengths, along: 0), Operand(new[s]), Operand(state[s])], dtype) {
                    .select(runs($0), $0[1], $0[2])
                }
            }
        }
        return (outputs, state)
    }

    /// `G[t, b, gate·h]`: X through W, with the biases that no gate scales.
    private func inputGates(_ e: inout Emitter, _ direction: Int) throws(NodeProblem) -> ValueID {
        let width = cell.gates * hidden
        let shape = batchFirst ? [batch, steps, width] : [steps, batch, width]
        let term =
            Expr.read(slot: 0, [.axis(0), .axis(1), .axis(3)])
            * .read(slot: 1, [.integer(direction), .axis(2), .axis(3)])
        let wide = accumulator(dtype)
        let product = try e.define(
            [x, w], TensorType(wide, shape),
            .reduce(.sum, extents: [inputs], condition: nil, widened(term, wide)))
        guard let bias else { return try e.cast(product, to: dtype) }
        // the candidate's recurrent bias of a GRU is scaled by the reset gate when that comes after the product
        let kept = cell == .gru && resetsAfter ? 2 * hidden : width
        let sum = try e.define(
            [product, bias], TensorType(dtype, shape),
            .map(
                narrowed(
                    .read(slot: 0, [.axis(0), .axis(1), .axis(2)]) + biasTerm(direction, .axis(2), kept, width, wide),
                    wide)))
        return sum
    }

    private func biasTerm(_ direction: Int, _ gate: Expr, _ kept: Int, _ width: Int, _ wide: DType) -> Expr {
        func read(_ at: Expr) -> Expr {
            let value = Expr.read(slot: 1, [.integer(direction), at])
            return wide == dtype ? value : .cast(wide, value)
        }
        let recurrent = read(gate + .integer(width))
        let second =
            kept == width ? recurrent : .select(.binary(.less, gate, .integer(kept)), recurrent, zero(wide))
        return read(gate) + second
    }

    private func widened(_ e: Expr, _ wide: DType) -> Expr {
        guard wide != dtype else { return e }
        return e.rewritten { node in
            if case .read = node { return .cast(wide, node) }
            return node
        }
    }

    private func narrowed(_ e: Expr, _ wide: DType) -> Expr { wide == dtype ? e : .cast(dtype, e) }

    /// `sum(k) state[b, k] · R[direction, from + h, k]` for `count` rows of R.
    private func recurrent(
        _ e: inout Emitter, _ state: ValueID, _ direction: Int, from: Int, count: Int
    ) throws(NodeProblem) -> ValueID {
        let row: Expr = from == 0 ? .axis(1) : .axis(1) + .integer(from)
        let wide = accumulator(dtype)
        let term = Expr.read(slot: 0, [.axis(0), .axis(2)]) * .read(slot: 1, [.integer(direction), row, .axis(2)])
        let product = try e.define(
            [state, r], TensorType(wide, [batch, count]),
            .reduce(.sum, extents: [hidden], condition: nil, widened(term, wide)))
        return try e.cast(product, to: dtype)
    }

    // MARK: steps

    private func step(
        _ e: inout Emitter, _ gates: ValueID, _ step: Int, _ direction: Int, _ state: [ValueID]
    ) throws(NodeProblem) -> [ValueID] {
        switch cell {
        case .rnn: try rnnStep(&e, gates, step, direction, state[0])
        case .gru: try gruStep(&e, gates, step, direction, state[0])
        case .lstm: try lstmStep(&e, gates, step, direction, state)
        }
    }

    /// Gate `n` of the input part at a step, for axes b and h of the result.
    private func gate(_ n: Int, _ step: Int, slot: Int) -> Expr {
        let at: Expr = n == 0 ? .axis(1) : .axis(1) + .integer(n * hidden)
        let t = Expr.integer(step)
        return .read(slot: slot, batchFirst ? [.axis(0), t, at] : [t, .axis(0), at])
    }

    private func product(_ n: Int, slot: Int) -> Expr {
        .read(slot: slot, [.axis(0), n == 0 ? .axis(1) : .axis(1) + .integer(n * hidden)])
    }

    private func here(slot: Int) -> Expr { .read(slot: slot, [.axis(0), .axis(1)]) }

    private func clipped(_ e: Expr) -> Expr {
        guard let clip else { return e }
        return Formula.minimum(Formula.maximum(e, number(-clip, dtype)), number(clip, dtype))
    }

    private func activated(_ n: Int, _ direction: Int, _ e: Expr) -> Expr {
        activations[direction * cell.activations.count + n].apply(clipped(e), dtype)
    }

    private var type: TensorType { TensorType(dtype, [batch, hidden]) }

    private func rnnStep(
        _ e: inout Emitter, _ gates: ValueID, _ step: Int, _ direction: Int, _ h: ValueID
    ) throws(NodeProblem) -> [ValueID] {
        let product = try recurrent(&e, h, direction, from: 0, count: hidden)
        let value = activated(0, direction, gate(0, step, slot: 0) + self.product(0, slot: 1))
        return [try e.define([gates, product], type, .map(value))]
    }

    /// z = f(Xz + Hz), r = f(Xr + Hr), n = g(Xn + r·H through Rn, or (r·H) through Rn); H' = (1 - z)·n + z·H.
    private func gruStep(
        _ e: inout Emitter, _ gates: ValueID, _ step: Int, _ direction: Int, _ h: ValueID
    ) throws(NodeProblem) -> [ValueID] {
        let product = try recurrent(&e, h, direction, from: 0, count: (resetsAfter ? 3 : 2) * hidden)
        let update = activated(0, direction, gate(0, step, slot: 0) + self.product(0, slot: 1))
        let reset = activated(0, direction, gate(1, step, slot: 0) + self.product(1, slot: 1))
        let one = number(1, dtype)
        if resetsAfter {
            var slots = [gates, product, h]
            var linear = self.product(2, slot: 1)
            if let bias {
                slots.append(bias)
                linear = linear + .read(slot: 3, [.integer(direction), .axis(1) + .integer(5 * hidden)])
            }
            let candidate = activated(1, direction, gate(2, step, slot: 0) + reset * linear)
            return [
                try e.define(slots, type, .map((one - update) * candidate + update * here(slot: 2)))
            ]
        }
        let scaled = try e.define([gates, product, h], type, .map(reset * here(slot: 2)))
        let through = try recurrent(&e, scaled, direction, from: 2 * hidden, count: hidden)
        let candidate = activated(1, direction, gate(2, step, slot: 0) + here(slot: 3))
        return [
            try e.define(
                [gates, product, h, through], type, .map((one - update) * candidate + update * here(slot: 2)))
        ]
    }

    /// i, o, f, c in ONNX's order; peepholes are for i, o, f.
    private func lstmStep(
        _ e: inout Emitter, _ gates: ValueID, _ step: Int, _ direction: Int, _ state: [ValueID]
    ) throws(NodeProblem) -> [ValueID] {
        let product = try recurrent(&e, state[0], direction, from: 0, count: 4 * hidden)
        var slots = [gates, product, state[1]]
        if let peepholes { slots.append(peepholes) }
        func sum(_ n: Int) -> Expr { gate(n, step, slot: 0) + self.product(n, slot: 1) }
        func peep(_ n: Int, _ cell: Expr) -> Expr? {
            guard peepholes != nil else { return nil }
            let at: Expr = n == 0 ? .axis(1) : .axis(1) + .integer(n * hidden)
            return .read(slot: 3, [.integer(direction), at]) * cell
        }
        func plus(_ a: Expr, _ b: Expr?) -> Expr { b.map { a + $0 } ?? a }
        let old = here(slot: 2)
        let input = activated(0, direction, plus(sum(0), peep(0, old)))
        let forget = couples ? number(1, dtype) - input : activated(0, direction, plus(sum(2), peep(2, old)))
        let candidate = activated(1, direction, sum(3))
        let cell = try e.define(slots, type, .map(forget * old + input * candidate))
        slots[2] = cell
        let new = here(slot: 2)
        let output = activated(0, direction, plus(sum(1), peep(1, new)))
        // the cell's own activation is not clipped
        let last = activations[direction * 3 + 2].apply(new, dtype)
        return [try e.define(slots, type, .map(output * last)), cell]
    }
}

/// An optional operand that is left out fits everything.
private func fits(_ e: Emitter, _ value: ValueID?, _ shape: [Int]) -> Bool {
    value.map { e.shape($0) == shape } ?? true
}

/// An activation of a recurrent operator with its factors.
private struct RecurrentActivation {
    var name: String
    var alpha: Double
    var beta: Double

    /// Names are matched without regard to case; factors are handed out in order to those that take them.
    static func all(
        _ e: inout Emitter, _ cell: RecurrentCell, directions: Int
    ) throws(NodeProblem) -> [RecurrentActivation] {
        let usual = (0..<directions).flatMap { _ in cell.activations }
        var names = usual
        if let given = e.attribute("activations")?.strings, !given.isEmpty {
            names = given.map { String(decoding: $0, as: UTF8.self) }
        }
        guard names.count == usual.count else {
            throw .attribute("activations", reason: "has \(names.count) entries, and \(usual.count) are needed")
        }
        var alphas = (e.attribute("activation_alpha")?.floats ?? []).map { Double($0) }[...]
        var betas = (e.attribute("activation_beta")?.floats ?? []).map { Double($0) }[...]
        var out: [RecurrentActivation] = []
        for name in names {
            guard let (alpha, beta) = factors[name.lowercased()] else {
                throw .attribute("activations", reason: "has the unknown name \"\(name)\"")
            }
            out.append(
                RecurrentActivation(
                    name: name.lowercased(), alpha: alpha.map { alphas.popFirst() ?? $0 } ?? 0,
                    beta: beta.map { betas.popFirst() ?? $0 } ?? 0))
        }
        return out
    }

    /// Factors that an activation takes, with what they are when nobody says.
    private static let factors: [String: (alpha: Double?, beta: Double?)] = [
        "relu": (nil, nil), "tanh": (nil, nil), "sigmoid": (nil, nil), "softsign": (nil, nil), "softplus": (nil, nil),
        "affine": (1, 0), "leakyrelu": (0.01, nil), "thresholdedrelu": (1, nil), "scaledtanh": (1, 1),
        "hardsigmoid": (0.2, 0.5), "elu": (1, nil),
    ]

    func apply(_ x: Expr, _ dtype: DType) -> Expr {
        switch name {
        case "relu": return Formula.relu(x, dtype)
        case "sigmoid": return Formula.sigmoid(x, dtype)
        case "softsign": return Formula.softsign(x, dtype)
        case "softplus": return Formula.softplus(x, dtype)
        case "affine": return x * number(alpha, dtype) + number(beta, dtype)
        case "leakyrelu": return Formula.leakyRelu(x, alpha: alpha, dtype)
        case "thresholdedrelu":
            return .select(.binary(.less, x, number(alpha, dtype)), zero(dtype), x)
        case "scaledtanh": return .unary(.tanh, x * number(beta, dtype)) * number(alpha, dtype)
        case "hardsigmoid": return Formula.hardSigmoid(x, alpha: alpha, beta: beta, dtype)
        case "elu": return Formula.elu(x, alpha: alpha, dtype)
        default: return .unary(.tanh, x)
        }
    }
}
