// A workload says what to compute: parameters, definitions in order, results. It holds no weight, no layout and no
// name; the canonical text is its identity. Slots: parameters 0 ..< p, then definitions p ..< p + d.
//
//     workload(t0: f32[128,768], t1: const f32[768,3072], t2: const f32[3072]) {
//       t3: f32[i0:128,i1:3072] = sum(r0:768) t0[i0,r0] * t1[r0,i1]
//       t4: f32[i0:128,i1:3072] = t3[i0,i1] + t2[i1]
//     } -> t4

package struct Workload: Hashable, Sendable {
    package struct Parameter: Hashable, Sendable {
        package var type: TensorType
        package var isConstant: Bool
        package init(type: TensorType, isConstant: Bool) {
            self.type = type
            self.isConstant = isConstant
        }
    }
    package var parameters: [Parameter]
    package var definitions: [Definition]
    /// Slots of the results; at least one.
    package var results: [Int]

    package init(parameters: [Parameter], definitions: [Definition], results: [Int]) {
        self.parameters = parameters
        self.definitions = definitions
        self.results = results
    }

    package func type(ofSlot slot: Int) -> TensorType {
        slot < parameters.count ? parameters[slot].type : definitions[slot - parameters.count].type
    }

    /// Multiply-adds and other scalar operators over the whole workload; a multiply-add counts 2.
    package var flops: Double {
        definitions.reduce(0) { total, definition in
            let points = Double(definition.axisExtents.reduce(1, *))
            let perPoint = definition.expressions.reduce(0) { max($0, $1.operatorCount) }
            return total + points * Double(perPoint + (definition.isReduction ? 1 : 0))
        }
    }

    /// Bytes of all parameters and results: what any implementation must move at least once.
    package var compulsoryBytes: Int {
        parameters.reduce(0) { $0 + $1.type.bytes } + results.reduce(0) { $0 + type(ofSlot: $1).bytes }
    }
}
