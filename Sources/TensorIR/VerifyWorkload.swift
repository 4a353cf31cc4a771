// What must hold of a workload, beyond the rules of VerifyDefinition.swift for each definition:
//  1. Parameters have positive extents.
//  2. A definition reads parameters and earlier definitions only.
//  3. There is a result, and every result is a tensor of the workload.

extension Workload {
    /// Throws the first broken rule, definitions in order.
    package func verify() throws(VerifyError) {
        var slots: [TensorType] = []
        for (slot, parameter) in parameters.enumerated() {
            try parameter.type.verify(at: [.slot(slot)])
            slots.append(parameter.type)
        }
        for definition in definitions {
            try definition.verify(slots: slots, at: [.slot(slots.count)])
            slots.append(definition.type)
        }
        guard !results.isEmpty else { throw VerifyError(.value(.noResults), at: [.results]) }
        for result in results where !slots.indices.contains(result) {
            throw VerifyError(.value(.unknownResult(slot: result, available: slots.count)), at: [.results])
        }
    }
}
