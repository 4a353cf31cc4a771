// What a graph can hold that no stage can turn into a program yet, as facts; the sentences stand below.

import Basics

package enum PipelineError: Explained, Equatable {
    /// Data-dependent control flow or an extern operator is left after placement; `kinds` are sorted and unique.
    case dynamicControlFlow(kinds: [String])

    package var sentence: String {
        switch self {
        case .dynamicControlFlow(let kinds):
            "the model holds \(kinds.joined(separator: ", ")) whose course depends on data; "
                + "programs with control flow are not generated: use a model without it, or bind the value it depends on"
        }
    }
}
