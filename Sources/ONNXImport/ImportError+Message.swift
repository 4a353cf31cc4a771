// The sentences of ImportError: what happened, where, what to do next. Input: the facts of an error. Output: one
// sentence without a newline. Whatever comes from a model is escaped here and nowhere else, so that no name can
// reach a terminal, a page or a log as it is.

import Basics
import Glibc
import TensorIR

extension ImportError {
    package var sentence: String {
        switch self {
        case .file(let path, let problem): "\(escaped(path)) \(problem.text)"
        case .operators(let model, let problem): problem.sentence(model: escaped(model))
        case .tensor(let model, let tensor, let problem):
            "tensor \(escaped(tensor)) of \(escaped(model)) \(problem.text)"
        case .inputs(let model, let problem): problem.sentence(model: escaped(model))
        case .binding(let text):
            "\"\(escaped(text))\" is not a binding; write NAME=N for a symbol or NAME=NxNxN for the shape of an input"
        case .graph(let model, let problem): problem.sentence(model: escaped(model))
        case .node(let model, let node, let problem): "\(node.text) of \(escaped(model)) \(problem.text)"
        }
    }
}

extension FileProblem {
    fileprivate var text: String {
        switch self {
        case .unreadable(let code):
            "cannot be read: \(String(cString: strerror(code))); check the path and its permissions"
        case .notRegular: "is not a regular file; name an .onnx file"
        case .notONNX(let reason):
            "is not an ONNX file: \(reason)"
                + (reason.contains(";") ? "" : "; name a .onnx file as an exporter writes it")
        case .truncated(let count):
            "is truncated: it ends after \(count) bytes in the middle of the model; fetch it again"
        case .malformed(let what): "is damaged: \(what); fetch or export it again"
        case .formatVersion(let version):
            "has ONNX format version \(version), and versions \(ModelFile.formatVersions.lowerBound) to "
                + "\(ModelFile.formatVersions.upperBound) are read; convert the model"
        }
    }
}

extension OperatorProblem {
    fileprivate func sentence(model: String) -> String {
        switch self {
        case .noOperatorSet:
            "\(model) imports no operator set; it is cut short or damaged, export it again"
        case .operatorSetVersion(let domain, let version):
            "\(model) uses version \(version) of operator set \(domainText(domain)), and versions "
                + "\(operatorSetVersions.lowerBound) to \(operatorSetVersions.upperBound) are supported; "
                + "convert the model to one of them"
        case .unknownDomain(let node):
            "\(node.text) of \(model) belongs to operator set \(domainText(node.domain)), "
                + "which the model does not import; export it again"
        case .unsupported(let nodes):
            "\(model) uses \(nodes.count == 1 ? "an operator that is" : "operators that are") not supported: "
                + nodes.map(\.fullText).joined(separator: "; ")
        }
    }
}

extension TensorProblem {
    fileprivate var text: String {
        switch self {
        case .externalMissing(let path):
            "has its data in \(escaped(path)), which cannot be read; put that file beside the model"
        case .externalOutside(let location):
            "has its data in \"\(escaped(location))\", which is not inside of the model's folder; "
                + "move the data there and save the model again"
        case .externalNotRegular(let location):
            "has its data in \"\(escaped(location))\", which is not a regular file; "
                + "put the file itself beside the model"
        case .externalTooShort(let location, let needed, let actual):
            "needs \(needed) bytes of \"\(escaped(location))\", which has \(actual); fetch that file again"
        case .unusable(let reason): "cannot be used: \(reason)"
        }
    }
}

extension InputProblem {
    fileprivate func sentence(model: String) -> String {
        switch self {
        case .unbound(let inputs): unboundSentence(model: model, inputs)
        case .bindingUnknown(let name, let known):
            "\(escaped(name)) is no input and no symbolic dimension of \(model); it has "
                + (known.isEmpty ? "none to bind" : known.map { escaped($0) }.joined(separator: ", "))
        case .bindingConflict(let input, let axis, let modelExtent, let boundExtent):
            "dimension \(axis) of input \(escaped(input)) of \(model) is \(modelExtent) and is bound to "
                + "\(boundExtent); correct the binding"
        case .bindingRank(let input, let modelRank, let boundRank):
            "input \(escaped(input)) of \(model) has \(modelRank) dimensions and is bound to a shape of "
                + "\(boundRank); correct the binding"
        case .bindingType(let input, let dtype, let bound):
            "input \(escaped(input)) of \(model) is \(dtype.rawValue) and is bound to a value of "
                + "\(bound.rawValue); correct the binding"
        case .type(let input, let type):
            "input \(escaped(input)) of \(model) is \(type), and only tensors of numbers are supported"
        case .shape(let input, let shape):
            "input \(escaped(input)) of \(model) has the shape \(shapeText(shape)), and only shapes of at most 2^40 "
                + "elements and at most \(rankMax) dimensions are supported; bind another one"
        }
    }
}

/// One sentence with every open dimension and the flags that would bind them.
private func unboundSentence(model: String, _ inputs: [UnboundInput]) -> String {
    func dimensions(_ input: UnboundInput) -> String {
        guard let all = input.dimensions else { return "(of unknown number)" }
        return "(" + input.axes.map { "\($0): \(escaped(all[$0]))" }.joined(separator: ", ") + ")"
    }
    var symbols: [String] = []
    var shapes: [String] = []
    for input in inputs {
        let all = input.dimensions ?? []
        if input.dimensions != nil, input.axes.allSatisfy({ isBindableSymbol(all[$0]) }) {
            for axis in input.axes where !symbols.contains(all[axis]) { symbols.append(all[axis]) }
        } else {
            shapes.append("--bind \(escaped(input.name))=\(shapeTemplate(input))")
        }
    }
    let flags = (shapes + symbols.map { "--bind \(escaped($0))=N" }).joined(separator: " ")
    let noun = shapes.isEmpty ? "them" : inputs.count == 1 ? "the shape" : "the shapes"
    let advice = "bind \(noun) with \(flags) or 'bindings:' in the job"
    if inputs.count == 1 {
        return "input \(escaped(inputs[0].name)) of \(model) has unbound dimensions \(dimensions(inputs[0])): "
            + advice
    }
    let list = inputs.map { "\(escaped($0.name)) \(dimensions($0))" }.joined(separator: ", ")
    return "inputs of \(model) have unbound dimensions, \(list): " + advice
}

/// What to write for a whole shape: known extents stand, the first open axis is a batch, images get H and W.
private func shapeTemplate(_ input: UnboundInput) -> String {
    guard let all = input.dimensions else { return "NxN" }
    return all.indices.map { axis -> String in
        guard input.axes.contains(axis) else { return escaped(all[axis]) }
        if axis == 0 { return "1" }
        return all.count == 4 ? ["1", "C", "H", "W"][axis] : "N"
    }.joined(separator: "x")
}

extension GraphProblem {
    fileprivate func sentence(model: String) -> String {
        switch self {
        case .cyclic(let nodes):
            "\(model) has a cycle through " + nodes.map(\.text).joined(separator: ", ")
                + "; a graph must have none, export it again"
        case .missingValue(let node, let value):
            "\(node.text) of \(model) reads \"\(escaped(value))\", which nothing in the model defines; export it again"
        case .noOutput: "\(model) has no output; export it again"
        case .missingOutput(let value):
            "output \"\(escaped(value))\" of \(model) is defined by nothing in the model; export it again"
        case .sequenceOutput(let value):
            "output \"\(escaped(value))\" of \(model) is a sequence, and only tensors are supported; "
                + "make an output of each of its tensors"
        case .duplicateValue(let value): "\(model) defines \"\(escaped(value))\" more than once; export it again"
        }
    }
}

extension NodeProblem {
    fileprivate var text: String {
        switch self {
        case .missingInput(let index): "lacks its input \(index)"
        case .wrongType(let input, let dtype, let expected):
            "cannot take \(dtype.rawValue) for its input \(input); it takes \(expected)"
        case .mixedTypes(let types):
            "mixes the types " + types.map(\.rawValue).joined(separator: " and ") + "; insert a Cast"
        case .attribute(let name, let reason): "has an attribute \(escaped(name)) that \(oneLine(reason))"
        case .misfit(let reason): "does not fit its operands: \(oneLine(reason))"
        case .needsConstant(let input, let name):
            "needs its input \(input) (\(name)) at compile time, and the model computes it at run time"
        case .tooLarge(let shape):
            "asks for \(shapeText(shape)) elements, which is over the limit of 2^40 elements and \(rankMax) dimensions"
        case .unsupportedForm(let what): "uses \(oneLine(what)), which is not supported"
        }
    }
}

extension NodeReference {
    /// `Conv node "c1"`, or its place when it has no name.
    fileprivate var text: String {
        escaped(operatorName) + (name.isEmpty ? " node number \(index)" : " node \"\(escaped(name))\"")
    }

    /// With domain and version, for the list of unsupported operators.
    fileprivate var fullText: String {
        let versionText = version.map { " version \($0)" } ?? ""
        return "\(escaped(operatorName)) (domain \(domainText(domain))\(versionText)) at "
            + (name.isEmpty ? "node number \(index)" : "node \"\(escaped(name))\"")
    }
}

private func domainText(_ domain: String) -> String { domain.isEmpty ? "ai.onnx" : escaped(domain) }

/// `1x3x48x192`, as bindings are written; `scalar` without axes.
func shapeText(_ shape: [Int]) -> String {
    shape.isEmpty ? "scalar" : shape.map(String.init).joined(separator: "x")
}

/// A reason that may quote the model's own texts, each control character of them spelled out.
private func oneLine(_ reason: String) -> String {
    reason.unicodeScalars.reduce(into: "") { out, scalar in
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x2028...0x202e: out += "\\u{" + String(scalar.value, radix: 16) + "}"
        default: out.unicodeScalars.append(scalar)
        }
    }
}
