// The equation of an Einsum: one term per operand, and one for the result. Input: the text and the ranks of the
// operands. Output: labels per axis, letters as their codes and the axes of an ellipsis as negative numbers, so that
// the ellipses of all operands align from the right. Source: the operator's description, which follows numpy.

struct EinsumEquation {
    /// One label per axis of each operand.
    var operands: [[Int]]
    var result: [Int]

    /// - Throws: `attribute`, `misfit`.
    init(_ text: String, ranks: [Int]) throws(NodeProblem) {
        func fail(_ reason: String) -> NodeProblem { .attribute("equation", reason: reason) }
        let bytes = text.utf8.filter { $0 != 0x20 }
        let compact = String(decoding: bytes, as: UTF8.self)
        let sides = compact.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let left = sides.first else { throw fail("is empty") }
        let terms = left.split(separator: ",", omittingEmptySubsequences: false)
        guard terms.count == ranks.count else { throw fail("has \(terms.count) terms for \(ranks.count) operands") }
        operands = []
        for (term, rank) in zip(terms, ranks) {
            operands.append(try EinsumEquation.labels(term.utf8, rank: rank, fail))
        }
        let all = operands.flatMap { $0 }
        let broadcast = Set(all.filter { $0 < 0 }).sorted()
        guard sides.count == 2 else {
            // in the order of the alphabet, what occurs once
            let once = Set(all.filter { label in label >= 0 && all.count(where: { $0 == label }) == 1 })
            result = broadcast + once.sorted()
            return
        }
        guard sides[1].first == ">" else { throw fail("has a - that is no ->") }
        let target = sides[1].dropFirst().utf8
        let letters = target.count(where: { $0 != 0x2e })
        let hasEllipsis = target.contains(0x2e)
        result = try EinsumEquation.labels(target, rank: letters + (hasEllipsis ? broadcast.count : 0), fail)
        for (position, label) in result.enumerated() {
            guard all.contains(label), !result[..<position].contains(label) else {
                throw fail("names an axis of the result that no operand has, or twice")
            }
        }
    }

    /// The labels of one term; an ellipsis stands for the axes that the letters leave.
    private static func labels(
        _ term: Substring.UTF8View, rank: Int, _ fail: (String) -> NodeProblem
    ) throws(NodeProblem) -> [Int] {
        var before: [Int] = []
        var after: [Int]?
        var rest = Array(term)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case 0x41...0x5a, 0x61...0x7a:
                if after == nil { before.append(Int(byte)) } else { after?.append(Int(byte)) }
            case 0x2e:
                guard rest.prefix(2) == [0x2e, 0x2e], after == nil else { throw fail("has a . that is no ellipsis") }
                rest = rest.dropFirst(2)
                after = []
            default: throw fail("has the character \"\(Character(Unicode.Scalar(byte)))\"")
            }
        }
        let missing = rank - before.count - (after?.count ?? 0)
        guard missing == 0 || (missing > 0 && after != nil) else {
            throw .misfit("a term of \(before.count + (after?.count ?? 0)) letters for \(rank) axes")
        }
        // the last axis of an ellipsis is -1
        return before + (0..<missing).map { $0 - missing } + (after ?? [])
    }
}
