// What a graph can hold that no stage can turn into a program yet, as facts; the sentences stand below.

import Basics

package enum PipelineError: Explained, Equatable {
    /// Data-dependent control flow or an extern operator is left after placement; `kinds` are sorted and unique.
    case dynamicControlFlow(kinds: [String])
    /// Every candidate of a weld failed, and so did those of its operations one by one; the digest is the weld's.
    case noWorkingKernel(workload: Digest)

    package var sentence: String {
        switch self {
        case .noWorkingKernel(let workload):
            "no candidate of workload \(workload.short) works on this device; 'ironworks explain \(workload.short)' "
                + "lists why each one failed"
        case .dynamicControlFlow(let kinds):
            "the model holds \(kinds.joined(separator: ", ")) whose course depends on data; programs with control "
                + "flow are not generated: use a model without it, or bind the value it depends on"
        }
    }
}
