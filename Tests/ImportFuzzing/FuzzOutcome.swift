// What the importer makes of a case. Input: a model file, or the error of opening it. Output: imported, refused with
// the kind of its sentence, or broken with what is wrong. Open dimensions are bound to small extents, as a person
// would do it with --bind. A trap, a hang and too much memory cannot be seen in here; the parent process sees them.

import Basics
import ONNXImport
import TensorIR

package enum FuzzOutcome: Hashable, Sendable {
    case imported
    /// The kind of refusal.
    case refused(String)
    /// Imported or refused in a way that is wrong.
    case broken(String)

    /// What tells cases apart that are worth keeping.
    package var kind: String {
        switch self {
        case .imported: "imported"
        case .refused(let kind): kind
        case .broken(let reason): "broken: " + reason
        }
    }
}

/// Extent of an open dimension.
private let openExtent = 2

/// Imports what `open` gives and verifies the graph.
package func importOutcome(_ open: () throws(ImportError) -> ModelFile) -> FuzzOutcome {
    let file: ModelFile
    do throws(ImportError) {
        file = try open()
    } catch {
        return refusal(error)
    }
    var bindings = Bindings()
    do throws(ImportError) {
        return verified(try importModel(file, bindings: bindings))
    } catch {
        guard case .inputs(_, .unbound(let inputs)) = error else { return refusal(error) }
        let unbound = refusal(error)
        if case .broken = unbound { return unbound }
        for input in inputs { bindings.shapes[input.name] = boundShape(input) }
    }
    do throws(ImportError) {
        return verified(try importModel(file, bindings: bindings))
    } catch {
        return refusal(error)
    }
}

/// Known extents stand; two open dimensions of one name get one extent, as all do.
private func boundShape(_ input: UnboundInput) -> [Int] {
    guard let dimensions = input.dimensions else { return [openExtent, openExtent] }
    return dimensions.indices.map { input.axes.contains($0) ? openExtent : Int(dimensions[$0]) ?? openExtent }
}

private func verified(_ model: ImportedModel) -> FuzzOutcome {
    do throws(VerifyError) {
        try model.graph.verify()
        return .imported
    } catch {
        return .broken("the imported graph is not legal: " + error.sentence)
    }
}

private func refusal(_ error: ImportError) -> FuzzOutcome {
    let sentence = error.sentence
    if let flaw = flaw(of: sentence) { return .broken(flaw) }
    return .refused(kind(error, sentence))
}

/// What is worth keeping a case for: which operator is refused in which words, but not how names and sizes differ.
private func kind(_ error: ImportError, _ sentence: String) -> String {
    switch error {
    case .file(let path, _): sentenceKind(sentence, without: [path])
    case .operators(_, .noOperatorSet): "no operator set"
    case .operators(_, .operatorSetVersion): "version of an operator set"
    case .operators(_, .unknownDomain): "unknown domain"
    case .operators(_, .unsupported): "unsupported operators"
    case .tensor(_, let name, .unusable(let reason)): "tensor: " + sentenceKind(reason, without: [name])
    case .tensor(_, _, .externalMissing): "external data missing"
    case .tensor(_, _, .externalOutside): "external data outside"
    case .tensor(_, _, .externalNotRegular): "external data in no file"
    case .tensor(_, _, .externalTooShort): "external data too short"
    case .inputs(_, .type(_, let type)): "input of a type: " + type
    case .inputs(_, .unbound): "unbound input"
    case .inputs(_, .bindingUnknown), .inputs(_, .bindingConflict), .inputs(_, .bindingRank), .inputs(_, .bindingType):
        "binding: " + sentenceKind(sentence)
    case .inputs(_, .shape): "shape of an input"
    case .binding: "binding"
    case .graph(_, .cyclic): "cycle"
    case .graph(_, .missingValue): "missing value"
    case .graph(_, .noOutput): "no output"
    case .graph(_, .missingOutput): "missing output"
    case .graph(_, .sequenceOutput): "sequence as an output"
    case .graph(_, .duplicateValue): "duplicate value"
    case .node(_, let node, _): node.operatorName + sentenceKind(sentence, without: [node.operatorName])
    }
}

/// Why a text is no sentence for one line of a terminal; `nil` when it is one.
package func flaw(of sentence: String) -> String? {
    if sentence.isEmpty { return "an empty sentence" }
    for scalar in sentence.unicodeScalars {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029:
            return "a sentence with the control character \(scalar.value): " + escaped(sentence)
        default: continue
        }
    }
    return nil
}
