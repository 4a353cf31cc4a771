// What a graph can hold that no stage can turn into a program yet, as facts; the sentences stand below.

import Basics

package enum PipelineError: Explained, Equatable {
    /// An operation that no program runs.
    case notRunnable(kind: String)
    /// Every candidate of a weld failed, and so did those of its operations one by one; the digest is the weld's.
    case noWorkingKernel(workload: Digest)

    package var sentence: String {
        switch self {
        case .noWorkingKernel(let workload):
            "no candidate of workload \(workload.short) works on this device; 'ironworks explain \(workload.short)' "
                + "lists why each one failed"
        case .notRunnable(let kind):
            "the model holds \(kind), and no program for that is generated; use a model without it"
        }
    }
}
