// Reads Package.swift as far as the checks need it: every target with its kind and the names it depends on.
// A target is a call in the `targets:` list (`.target(…)`, `.testTarget(…)`, or a helper of ours); its name is the
// first string literal, its dependencies are the first bracketed list. `let x = Target.Dependency.product(name: …)`
// is followed.

struct Manifest: Equatable {
    struct Target: Equatable {
        var name: String
        var isTest: Bool
        var dependencies: [String]
    }

    var targets: [Target] = []

    var libraries: [Target] { targets.filter { !$0.isTest } }
    var tests: [Target] { targets.filter(\.isTest) }

    func target(_ name: String) -> Target? { targets.first { $0.name == name } }

    /// Parses the text of a manifest; a part that is written in an unexpected way is left out, and the check that
    /// every folder is a target then says so.
    init(_ text: String) {
        let text = blanked(text, strings: false)
        let products = Manifest.products(text)
        for list in Manifest.lists(labelled: "targets:", in: text) where !list.hasPrefix("\"") {
            for element in Manifest.elements(list) {
                guard let call = element.firstIndex(of: "("), let name = Manifest.literal(element[call...]) else {
                    continue
                }
                let callee = element[..<call].lowercased()
                targets.append(
                    Target(
                        name: name, isTest: callee.contains("test"),
                        dependencies: Manifest.dependencies(element[call...], products)))
            }
        }
    }

    private static func dependencies(_ call: Substring, _ products: [String: String]) -> [String] {
        guard let open = call.firstIndex(of: "[") else { return [] }
        let before = call[..<open].reversed().drop { $0 == " " || $0 == "\n" }
        let label = String(before.prefix { $0.isLetter || $0 == ":" }.reversed())
        guard label.isEmpty || label == "dependencies:" else { return [] }
        return elements(inside(call[open...])).compactMap { element in
            if let name = literal(element[...]) { return name }
            return products[element] ?? element
        }
    }

    /// `let grdb = Target.Dependency.product(name: "GRDB", …)` gives `grdb: GRDB`.
    private static func products(_ text: String) -> [String: String] {
        var found: [String: String] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("let ") && line.contains(".product(") {
            let name = line.dropFirst(4).prefix { $0 != " " && $0 != "=" && $0 != ":" }
            if let product = literal(line) { found[String(name)] = product }
        }
        return found
    }

    /// What stands between the brackets after each occurrence of `label`.
    private static func lists(labelled label: String, in text: String) -> [String] {
        var found: [String] = []
        var rest = text[...]
        while let range = rest.firstRange(of: label) {
            rest = rest[range.upperBound...]
            let list = rest.drop { $0 == " " || $0 == "\n" }
            if list.first == "[" { found.append(trimmed(inside(list)[...])) }
        }
        return found
    }

    /// The text between the bracket that opens `text` and its partner.
    private static func inside(_ text: Substring) -> String {
        var depth = 0
        for at in text.indices {
            if "([{".contains(text[at]) { depth += 1 }
            if ")]}".contains(text[at]) { depth -= 1 }
            if depth == 0 { return String(text[text.index(after: text.startIndex)..<at]) }
        }
        return ""
    }

    /// Splits at the commas that stand in no bracket.
    private static func elements(_ list: String) -> [String] {
        var found: [String] = []
        var current = ""
        var depth = 0
        for character in list {
            if "([{".contains(character) { depth += 1 }
            if ")]}".contains(character) { depth -= 1 }
            if character == ",", depth == 0 {
                found.append(trimmed(current[...]))
                current = ""
            } else {
                current.append(character)
            }
        }
        found.append(trimmed(current[...]))
        return found.filter { !$0.isEmpty }
    }

    private static func literal(_ text: Substring) -> String? {
        let parts = text.split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count == 3 ? String(parts[1]) : nil
    }
}

/// A text without the white space at its ends.
func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
}
