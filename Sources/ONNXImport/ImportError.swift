// What can be wrong with a model, a binding or a node, as facts; the sentences are in ImportError+Message.swift.
// Operator families throw a NodeProblem, the driver adds the model and the node.
// Each area has an enum of its own, so that a switch over one never has to mention the others.

import Basics
import TensorIR

/// Why a model cannot be imported. `model` is the file's name, `path` the path as it was given.
package enum ImportError: Explained, Hashable {
    case file(path: String, FileProblem)
    case operators(model: String, OperatorProblem)
    case tensor(model: String, tensor: String, TensorProblem)
    case inputs(model: String, InputProblem)
    /// A text that is no binding; no model was looked at yet.
    case binding(text: String)
    case graph(model: String, GraphProblem)
    case node(model: String, NodeReference, NodeProblem)
}

package enum FileProblem: Hashable, Sendable {
    case unreadable(errno: Int32)
    case notRegular
    case notONNX(reason: String)
    case truncated(byteCount: Int)
    case malformed(String)
    case formatVersion(Int64)
}

package enum OperatorProblem: Hashable, Sendable {
    case noOperatorSet
    case operatorSetVersion(domain: String, Int64)
    /// A node of a domain that the model does not import.
    case unknownDomain(NodeReference)
    /// Every node whose operator, domain or version is not in the table, in the file's order.
    case unsupported([NodeReference])
}

package enum TensorProblem: Hashable, Sendable {
    case externalMissing(path: String)
    case externalOutside(location: String)
    case externalNotRegular(location: String)
    case externalTooShort(location: String, neededBytes: Int, actualBytes: Int)
    /// Type, shape or data do not make a tensor.
    case unusable(String)
}

package enum InputProblem: Hashable, Sendable {
    case unbound([UnboundInput])
    case bindingUnknown(name: String, known: [String])
    case bindingConflict(input: String, axis: Int, modelExtent: Int, boundExtent: Int)
    case bindingRank(input: String, modelRank: Int, boundRank: Int)
    case bindingType(input: String, DType, bound: DType)
    case type(input: String, String)
    /// Over the limits, or with an extent of 0.
    case shape(input: String, [Int])
}

package enum GraphProblem: Hashable, Sendable {
    case cyclic([NodeReference])
    case missingValue(NodeReference, value: String)
    case noOutput
    case missingOutput(value: String)
    /// An output that is no tensor.
    case sequenceOutput(value: String)
    case duplicateValue(String)
}

/// Why one node cannot be imported.
package enum NodeProblem: Error, Hashable, Sendable {
    case missingInput(Int)
    case wrongType(input: Int, DType, expected: String)
    case mixedTypes([DType])
    case attribute(String, reason: String)
    /// Shapes, axes or indices do not fit; the text has the numbers.
    case misfit(String)
    /// The value of this input must be known at compile time.
    case needsConstant(input: Int, name: String)
    /// A result, or the loop that computes it, has too many elements.
    case tooLarge([Int])
    /// The operator is known, this form of it is not.
    case unsupportedForm(String)
}

/// Which node: operator, domain, operator-set version, the model's own name and its place in the file.
package struct NodeReference: Hashable, Sendable {
    package var operatorName: String
    package var domain: String
    /// Version of the operator set that the model imports; `nil` when it imports none for this domain.
    package var version: Int64?
    package var name: String
    /// Place in its graph, counted from 0.
    package var index: Int

    package init(operatorName: String, domain: String, version: Int64?, name: String, index: Int) {
        self.operatorName = operatorName
        self.domain = domain
        self.version = version
        self.name = name
        self.index = index
    }
}

/// One model input with dimensions that nobody bound. A dimension is its extent, a symbol, `-1`, or `?`;
/// `dimensions` is `nil` when the model does not even say the rank.
package struct UnboundInput: Hashable, Sendable {
    package var name: String
    package var dimensions: [String]?
    /// Axes whose extent is unknown.
    package var axes: [Int]

    package init(name: String, dimensions: [String]?, axes: [Int]) {
        self.name = name
        self.dimensions = dimensions
        self.axes = axes
    }
}
