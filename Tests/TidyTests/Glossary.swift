// One word, one meaning: docs/glossary.md is a table of words in order, each once, and docs/architecture.md has a row
// for each target of the package and for nothing else.

/// The first column of a document's tables, with line numbers; header rows and rules are left out.
func firstColumn(_ text: String) -> [(number: Int, cell: String)] {
    let lines = proseLines(text)
    return lines.enumerated().compactMap { at, entry in
        guard entry.line.hasPrefix("|") else { return nil }
        let cell = trimmed(entry.line.dropFirst().prefix { $0 != "|" })
        let isRule = cell.allSatisfy { $0 == "-" || $0 == ":" }
        let isHead = at + 1 < lines.count && lines[at + 1].line.hasPrefix("|-")
        return isRule || isHead ? nil : (entry.number, cell)
    }
}

/// Words that stand twice or out of order.
func glossaryFindings(_ file: TextFile) -> [Finding] {
    let words = firstColumn(file.text)
    if words.isEmpty { return [Finding(path: file.path, line: 0, message: "has no word")] }
    return zip(words, words.dropFirst()).compactMap { earlier, later in
        let (a, b) = (earlier.cell.lowercased(), later.cell.lowercased())
        if a < b { return nil }
        let message = a == b ? "'\(later.cell)' stands twice" : "'\(later.cell)' stands after '\(earlier.cell)'"
        return Finding(path: file.path, line: later.number, message: message)
    }
}

/// Targets without a row in the module table, and rows without a target.
func moduleTableFindings(_ file: TextFile, _ manifest: Manifest) -> [Finding] {
    let section = section("Modules", of: file.text)
    let rows = Set(firstColumn(section).flatMap { codeSpans($0.cell[...]) })
    let targets = Set(manifest.libraries.map(\.name))
    func finding(_ message: String) -> Finding { Finding(path: file.path, line: 0, message: message) }
    return targets.subtracting(rows).sorted().map { finding("the table of modules has no row for \($0)") }
        + rows.subtracting(targets).sorted().map { finding("the table of modules names \($0), which is no target") }
}

/// The text under the heading `## title`, up to the next heading of that depth.
private func section(_ title: String, of text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let start = lines.firstIndex(where: { $0.hasPrefix("## ") && $0.hasSuffix(title) }) else { return "" }
    let rest = lines[(start + 1)...]
    return rest.prefix { !$0.hasPrefix("## ") }.joined(separator: "\n")
}
