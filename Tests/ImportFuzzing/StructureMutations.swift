// The list of everything that the structure-aware mutator can do to a model, one line each, and where in a model it
// does it: in its graph, in a graph inside of a node, or in the body of a function. Input: a decoded model and a
// generator. Output: the changed model.

import Basics
import ONNXImport

struct StructureMutation: Sendable {
    var name: String
    var apply: @Sendable (inout Model, inout SeededRandom) -> Void

    private init(_ name: String, _ apply: @escaping @Sendable (inout Model, inout SeededRandom) -> Void) {
        (self.name, self.apply) = (name, apply)
    }

    private static func graph(
        _ name: String, _ apply: @escaping @Sendable (inout ModelGraph, inout SeededRandom) -> Void
    ) -> StructureMutation {
        StructureMutation(name) { model, random in inSomeGraph(&model, &random, apply) }
    }

    private static func node(
        _ name: String, _ apply: @escaping @Sendable (inout ModelNode, inout SeededRandom) -> Void
    ) -> StructureMutation {
        graph(name) { graph, random in
            guard let at = random.index(graph.node) else { return }
            apply(&graph.node[at], &random)
        }
    }

    private static func attribute(
        _ name: String, _ apply: @escaping @Sendable (inout ModelAttribute, inout SeededRandom) -> Void
    ) -> StructureMutation {
        node(name) { node, random in
            guard let at = random.index(node.attribute) else {
                node.attribute.append(commonAttribute(&random))
                return
            }
            apply(&node.attribute[at], &random)
        }
    }

    private static func tensor(
        _ name: String, _ apply: @escaping @Sendable (inout ModelTensor, inout SeededRandom) -> Void
    ) -> StructureMutation {
        graph(name) { graph, random in inSomeTensor(&graph, &random, apply) }
    }

    static let all: [StructureMutation] = [
        graph("drop a node", dropNode),
        graph("duplicate a node", duplicateNode),
        graph("swap two nodes", swapNodes),
        graph("read another value", rewireInput),
        graph("read a value more", addInput),
        graph("read itself or a later node", makeCycle),
        graph("rename a value", renameValue),
        graph("one name for two values", mergeNames),
        node("drop an input", dropInput),
        node("swap two inputs", swapInputs),
        node("repeat an input", duplicateInput),
        node("drop an output", dropOutput),
        node("an output more", addOutput),
        node("another operator", changeOperator),
        node("another operator", changeOperator),
        node("another domain", changeDomain),
        node("another name", renameNode),

        node("drop an attribute", dropAttribute),
        node("duplicate an attribute", duplicateAttribute),
        node("an attribute more", addAttribute),
        attribute("an extreme value", extremeValue),
        attribute("an extreme value", extremeValue),
        attribute("another length", changeLength),
        attribute("another type", changeAttributeType),
        attribute("another attribute's name", renameAttribute),
        attribute("a reference", referToAttribute),

        tensor("other dimensions", changeDimensions),
        tensor("another element type", changeElementType),
        tensor("more or less data", changeData),
        tensor("extreme elements", extremeElements),
        tensor("extreme elements", extremeElements),
        tensor("another field for the data", moveData),
        tensor("external data", makeExternal),
        graph("a sparse initialiser", makeSparse),
        graph("an initialiser as an input", hideInitializer),
        graph("an input as an initialiser", knowInput),

        graph("other dimensions of an input", changeInputShape),
        graph("another element type of an input", changeInputElement),
        graph("another type of an input", changeInputType),
        graph("drop or repeat an input or output", changeInterface),
        graph("an output of any value", exposeValue),

        graph("an If around a node", wrapInIf),
        graph("a Loop around a node", wrapInLoop),
        graph("a Scan around a node", wrapInScan),
        graph("graphs nested deep", nestDeep),
        StructureMutation("a node as a function", makeFunction),
        StructureMutation("functions that call functions", chainFunctions),

        graph("an enormous result", appendEnormous),
        graph("an enormous result", appendEnormous),
        graph("doubling", appendDoubling),
        graph("many small nodes", appendMany),

        StructureMutation("another version", changeVersion),
        StructureMutation("another format version", changeFormatVersion),
        StructureMutation("other operator sets", changeOperatorSets),
    ]
}

/// Applies `body` to the model's graph, or to one inside of it.
func inSomeGraph(
    _ model: inout Model, _ random: inout SeededRandom, _ body: (inout ModelGraph, inout SeededRandom) -> Void
) {
    if random.once(in: 4), let at = random.index(model.functions) {
        var graph = ModelGraph()
        graph.node = model.functions[at].node
        descend(&graph, &random, body)
        model.functions[at].node = graph.node
    } else {
        descend(&model.graph, &random, body)
    }
}

private func descend(
    _ graph: inout ModelGraph, _ random: inout SeededRandom,
    _ body: (inout ModelGraph, inout SeededRandom) -> Void
) {
    let holders = graph.node.indices.filter { n in graph.node[n].attribute.contains { $0.hasG } }
    guard !holders.isEmpty, random.below(3) > 0 else {
        body(&graph, &random)
        return
    }
    let holder = random.pick(holders)
    let places = graph.node[holder].attribute.indices.filter { graph.node[holder].attribute[$0].hasG }
    descend(&graph.node[holder].attribute[random.pick(places)].g, &random, body)
}

/// Applies `body` to an initialiser, or to a tensor in an attribute.
func inSomeTensor(
    _ graph: inout ModelGraph, _ random: inout SeededRandom, _ body: (inout ModelTensor, inout SeededRandom) -> Void
) {
    let holders = graph.node.indices.filter { n in graph.node[n].attribute.contains { $0.hasT } }
    if !holders.isEmpty, graph.initializer.isEmpty || random.once(in: 2) {
        let holder = random.pick(holders)
        let places = graph.node[holder].attribute.indices.filter { graph.node[holder].attribute[$0].hasT }
        body(&graph.node[holder].attribute[random.pick(places)].t, &random)
    } else if let at = random.index(graph.initializer) {
        body(&graph.initializer[at], &random)
    } else {
        _ = knownTensor(&graph, (0..<random.below(4)).map { _ in random.integer() })
    }
}

extension ModelGraph {
    /// Names of all values that this graph itself has, each once, in its order.
    var valueNames: [String] {
        var seen: Set<String> = []
        let all = input.map(\.name) + initializer.map(\.name) + node.flatMap(\.output)
        return all.filter { !$0.isEmpty && seen.insert($0).inserted }
    }

    /// A name that the graph has no value of.
    func freshName(_ stem: String) -> String {
        let taken = Set(valueNames)
        var n = node.count
        while taken.contains("\(stem)\(n)") { n += 1 }
        return "\(stem)\(n)"
    }
}
