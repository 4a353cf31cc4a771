// The page docs/operators.md, whole: what a model may import, the operators of each domain, functions and control flow,
// dtypes, and what is known and not imported. Input: the listing. Output: Markdown that ends in a newline. Ranges,
// dtypes and the examples of refusals come from the code that decides them, so the page cannot fall behind it; what
// stands here as prose is only what no value says.

import TensorIR

/// The text of docs/operators.md.
package func operatorPage(_ entries: [OperatorEntry]) -> String {
    var page = opening
    for domain in OperatorDomain.allCases {
        let imported = entries.filter { $0.domain == domain && $0.isImported }
        if !imported.isEmpty { page += operatorTable(imported, domain) }
    }
    return page + bodies + dtypes + refusedOperators(entries.filter { !$0.isImported })
}

private func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }

private func head(_ cells: [String]) -> String {
    row(cells) + "|" + cells.map { _ in "---|" }.joined() + "\n"
}

private func rangeText(_ versions: ClosedRange<Int>) -> String {
    versions.count == 1
        ? "version \(versions.lowerBound)"
        : "versions \(versions.lowerBound) to \(versions.upperBound)"
}

// MARK: opening

private var opening: String {
    """
    # Operators

    What can be imported from an ONNX model. The page is printed from the tables in which the importer looks up every
    node; a test fails while the two differ. After a change of the tables print it anew:

    ```
    ironworks operators --markdown > docs/operators.md
    ```

    `ironworks operators NAME` shows one operator, `ironworks operators --json` gives all of them to a program.

    A model may import \(rangeText(OperatorDomain.onnx.versions)) of ONNX's own operator set (`ai.onnx`, a name that
    models usually leave empty), and version 1 of `com.microsoft`, the operators that ONNX Runtime adds. The column
    *versions* says in which versions of the set an operator is imported. ONNX redefines operators from time to time;
    the column *definitions* names the versions that brought the definitions that are imported.

    Before anything else every node is looked up, those inside of branches and loops too, and one sentence names all
    that are refused:

    ```
    \(refusal(.operators(model: "model.onnx", .unsupported([exampleNode("StringNormalizer", 10, "tidy")]))))
    ```

    A node of an imported operator can still ask for something that is not, and the sentence says for what:

    ```
    \(refusal(.node(model: "model.onnx", exampleNode("Reshape", 21, "flat"), .needsConstant(input: 1, name: "shape"))))
    ```

    """
}

private func refusal(_ error: ImportError) -> String { "error: " + error.sentence }

private func exampleNode(_ name: String, _ version: Int64, _ node: String) -> NodeReference {
    NodeReference(operatorName: name, domain: "", version: version, name: node, index: 0)
}

// MARK: tables

private func operatorTable(_ entries: [OperatorEntry], _ domain: OperatorDomain) -> String {
    let hasOneVersion = domain.versions.count == 1
    var out = "\n## \(domain.rawValue)\n\n\(entries.count) operator\(entries.count == 1 ? "" : "s")"
    out += ", \(rangeText(domain.versions)).\n\n"
    out += head(hasOneVersion ? ["operator", "area"] : ["operator", "versions", "definitions", "area"])
    for entry in entries {
        let versions = hasOneVersion ? [] : [entry.versionsText, entry.definitionsText]
        out += row(["`\(entry.name)`"] + versions + [entry.area.rawValue])
    }
    return out
}

private let bodies = """

    ## Functions, branches and loops

    A node that names a function of its model becomes the nodes of the function's body, whatever its domain; the
    function hides an operator of the same name. `If` on a condition that is known at import becomes the side it takes;
    `Loop` and `Scan` are spelled out where a bound of their trips is known. A `Loop` without such a bound becomes a
    loop of the program; it carries tensors of one shape and collects nothing. A condition that only a run can tell
    selects between values that are all computed. Sequences and optional values live inside of a model: no input and no
    output is one.

    ## Sizes that the data decide

    What `NonZero`, `Compress`, `Unique`, `NonMaxSuppression`, and `TopK` with a computed K give is as long as the data
    say. A program computes them at their greatest length and says how much of it counts; `run` and `test` cut outputs
    to that, an exported library gives the length as an output of its own. Arithmetic, reductions, products, `Gather`,
    `Slice`, `Concat`, `Transpose`, `Reshape`, `ScatterND`, `RoiAlign`, convolutions and pooling over a batch of such a
    size and more take such tensors; an operator that cannot refuses them at import. A shape that is computed from such
    a length is refused too.

    """

private var dtypes: String {
    var out = """

        ## Types

        Tensors have one of these element types. *Computed* types take part in arithmetic; 16-bit floats are summed in
        `f32`. *Storage* types hold weights and activations: they are cast and moved, and operators that ONNX defines on
        them (`Cast`, `QuantizeLinear`, `DequantizeLinear`, products of quantised operands) convert them. Files pack
        elements of fewer than 8 bits, in memory each has a byte. What a cast does stands in
        [formats/workload.md](formats/workload.md#dtypes). Strings and complex numbers are refused.


        """
    out += head(["dtype", "in ONNX", "bits", "bytes in memory", "use"])
    for dtype in DType.allCases {
        let use = dtype.isStorage ? "storage" : "computed"
        out += row(["`\(dtype.rawValue)`", onnxName(dtype), "\(dtype.bits)", "\(dtype.bytes)", use])
    }
    return out
}

private func onnxName(_ dtype: DType) -> String {
    let numbers: ClosedRange<Int32> = 1...31
    return numbers.first { DType(onnx: $0) == dtype }.map(typeName) ?? "-"
}

private func refusedOperators(_ entries: [OperatorEntry]) -> String {
    var out = "\n## Not imported\n"
    let (own, microsoft) = (entries.filter { $0.domain != .microsoft }, entries.filter { $0.domain == .microsoft })
    if !own.isEmpty {
        out += "\nOperators of ONNX's domains that are refused:\n\n" + head(["operator", "domain", "reason"])
        for entry in own {
            out += row(["`\(entry.name)`", entry.domain.rawValue, entry.refusal ?? ""])
        }
    }
    if !microsoft.isEmpty {
        out +=
            "\nOperators that ONNX Runtime has in `\(OperatorDomain.microsoft.rawValue)` and that are refused:\n\n"
        out += head(["area", "operators"])
        for area in OperatorArea.allCases {
            let names = microsoft.filter { $0.area == area }.map { "`\($0.name)`" }
            if !names.isEmpty { out += row([area.rawValue, names.joined(separator: ", ")]) }
        }
    }
    return out
}
