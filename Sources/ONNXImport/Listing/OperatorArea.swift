// What an operator is about, and the domains that operators come from: the two ways in which the listing sorts them.
// Areas also say why an operator that is not imported is refused, so that no such sentence outlives its operator.

/// What operators have in common that one file of families or a few of them import.
package enum OperatorArea: String, Hashable, Sendable, CaseIterable {
    case arithmetic
    case logic = "comparison and logic"
    case bits
    case function = "functions of one operand"
    case activation = "activations"
    case reduction = "reductions"
    case product = "matrix products"
    case window = "convolution and pooling"
    case sampling = "resizing and sampling"
    case normalisation
    case attention
    case expert = "mixtures of experts"
    case recurrent
    case movement
    case indexing = "gathering and scattering"
    case selection
    case shape = "shapes and constants"
    case conversion = "conversion of types"
    case quantised = "quantised arithmetic"
    case signal = "signal processing"
    case random = "random numbers"
    case loss = "losses"
    case sequence = "sequences and optionals"
    case control = "control flow"
    case text
    case image = "image files"
    case training
    case runtime = "compiled parts"

    /// Why an operator of this area is refused when nothing imports it.
    package var refusal: String {
        switch self {
        case .text: "works on strings or tokens; only tensors of numbers are imported"
        case .image: "decodes image files; decode them before the model"
        case .training: "computes gradients or updates weights; models are imported for inference"
        case .runtime: "holds what another runtime has compiled; export the model without it"
        case .arithmetic, .logic, .bits, .function, .activation, .reduction, .product, .window, .sampling,
            .normalisation, .attention, .expert, .recurrent, .movement, .indexing, .selection, .shape, .conversion,
            .quantised, .signal, .random, .loss, .sequence, .control:
            "not implemented"
        }
    }
}

/// A set of operators with versions of its own. The raw value is its name in full; models write the empty name for
/// ONNX's own.
package enum OperatorDomain: String, Hashable, Sendable, CaseIterable {
    case onnx = "ai.onnx"
    case microsoft = "com.microsoft"
    case preview = "ai.onnx.preview"
    case training = "ai.onnx.preview.training"

    /// Versions that a model may import.
    package var versions: ClosedRange<Int> {
        switch self {
        case .onnx: operatorSetVersions
        case .microsoft, .preview, .training: 1...1
        }
    }

    /// The name that nodes carry once it is shortened.
    var nodeDomain: String { plain(rawValue) }
}
