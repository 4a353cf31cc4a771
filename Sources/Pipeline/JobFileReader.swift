// Reads YAML as typed values with places. A node is looked at only where the format asks for it, so that aliases which
// multiply cost nothing. Plain scalars are not resolved by YAML's rules (`no` is a text, `07:30` is not 27000); what
// a scalar means is decided by the key it stands under.

import Basics
import Yams

/// A node of the file and where it stands.
struct JobNode {
    let node: Node
    let place: JobPlace

    /// The one document of `text`.
    static func root(of text: String, path: String) throws(JobFileError) -> JobNode {
        guard text.utf8.count <= JobFile.bytesMax else { throw .tooLong(path: path, byteCount: text.utf8.count) }
        let root: Node?
        do {
            root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
        } catch let error as YamlError {
            throw explain(error, text, path: path)
        } catch {
            preconditionFailure("the YAML parser throws nothing but YamlError")
        }
        guard let root else { throw .empty(path: path) }
        let node = JobNode(node: root, place: JobPlace(path: path, line: root.mark?.line ?? 1, key: ""))
        if node.found == .nothing { throw .empty(path: path) }
        return node
    }

    /// A file of another version is refused for that, whatever else it holds.
    func requireVersion() throws(JobFileError) {
        guard let version = try entries(.mapping(keys: JobKeys.file)).first(where: { $0.key == "version" }) else {
            throw .missingKey(in: place, key: "version")
        }
        let found = try version.value.text(.choice([String(JobFile.supportedVersion)]))
        guard found == String(JobFile.supportedVersion) else {
            throw .unsupportedVersion(version.value.place, found: found)
        }
    }

    /// A mapping whose keys are all in `known`.
    func mapping(_ known: [String], expected: JobValue? = nil) throws(JobFileError) -> JobMapping {
        let entries = try entries(expected ?? .mapping(keys: known))
        for entry in entries where !known.contains(entry.key) {
            var container = place
            container.line = entry.value.place.line
            throw .unknownKey(
                in: container, key: entry.key, nearest: nearestKey(to: entry.key, among: known), known: known)
        }
        return JobMapping(place: place, entries: entries)
    }

    /// A mapping with any keys, in the order of the file.
    func entries(_ expected: JobValue) throws(JobFileError) -> [JobMapping.Entry] {
        try requireNoTag()
        guard case .mapping(let pairs) = node else { throw wrong(expected) }
        var entries: [JobMapping.Entry] = []
        for (key, value) in pairs {
            let line = key.mark?.line ?? place.line
            guard case .scalar(let scalar) = key else {
                throw .keyIsNoText(in: JobPlace(path: place.path, line: line, key: place.key))
            }
            let keyPath = place.key.isEmpty ? scalar.string : place.key + "." + scalar.string
            let place = JobPlace(path: place.path, line: line, key: keyPath)
            entries.append(JobMapping.Entry(key: scalar.string, value: JobNode(node: value, place: place)))
        }
        return entries
    }

    func list(of items: String, isEmptyAllowed: Bool = false) throws(JobFileError) -> [JobNode] {
        try requireNoTag()
        guard case .sequence(let sequence) = node else { throw wrong(.list(of: items)) }
        if sequence.isEmpty, !isEmptyAllowed { throw wrong(.list(of: items)) }
        return sequence.enumerated().map { index, item in
            let line = item.mark?.line ?? place.line
            return JobNode(node: item, place: JobPlace(path: place.path, line: line, key: "\(place.key)[\(index)]"))
        }
    }

    /// Any scalar with a text in it.
    func text(_ expected: JobValue = .text) throws(JobFileError) -> String {
        try requireNoTag()
        guard case .text(let text) = found, !text.isEmpty else { throw wrong(expected) }
        return text
    }

    func name() throws(JobFileError) -> String {
        let name = try text(.name)
        guard name == safeName(name) else { throw wrong(.name) }
        return name
    }

    /// A scalar without quotes that is an integer of `range`.
    func integer(_ range: ClosedRange<Int>) throws(JobFileError) -> Int {
        let digits = try text(.integer(range))
        guard isPlain, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2d }),
            let value = Int(digits), range.contains(value)
        else { throw wrong(.integer(range)) }
        return value
    }

    /// A scalar without quotes that is a finite number in decimal, and fits.
    func number(_ expected: JobValue, _ fits: (Double) -> Bool) throws(JobFileError) -> Double {
        let digits = try text(expected)
        guard isPlain, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }),
            let value = Double(digits), value.isFinite, fits(value)
        else { throw wrong(expected) }
        return value
    }

    /// One of the words of a closed enumeration.
    func choice<Choice>(_ type: Choice.Type) throws(JobFileError) -> Choice
    where Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
        let expected = JobValue.choice(Choice.allCases.map(\.rawValue))
        guard let choice = Choice(rawValue: try text(expected)) else { throw wrong(expected) }
        return choice
    }

    func wrong(_ expected: JobValue) -> JobFileError { .value(place, expected: expected, found: found) }

    func notAvailable(_ feature: JobFeature, _ value: String) -> JobFileError {
        .notAvailable(place, feature, value: value)
    }

    /// What stands here, told apart without looking inside.
    var found: FoundValue {
        switch node {
        case .scalar(let scalar):
            let isNothing = isPlain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            return isNothing ? .nothing : .text(scalar.string)
        case .sequence(let sequence): return sequence.isEmpty ? .emptyList : .list
        case .mapping: return .mapping
        case .alias: preconditionFailure("the YAML parser resolves aliases")
        }
    }

    private var isPlain: Bool {
        guard case .scalar(let scalar) = node else { return false }
        return scalar.style == .plain
    }

    private func requireNoTag() throws(JobFileError) {
        let core = ["", "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"]
        let tag = node.tag.rawValue
        if !core.contains(tag) { throw .tag(place, tag) }
    }
}

/// A mapping with its keys in the order of the file.
struct JobMapping {
    struct Entry {
        var key: String
        var value: JobNode
    }
    var place: JobPlace
    var entries: [Entry]

    subscript(key: String) -> JobNode? { entries.first { $0.key == key }?.value }
}

private func explain(_ error: YamlError, _ text: String, path: String) -> JobFileError {
    func notYAML(_ mark: Mark, _ problem: String, _ context: YamlError.Context?) -> JobFileError {
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        let rest = lines.dropFirst(mark.line - 1).first?.unicodeScalars.dropFirst(mark.column - 1)
        let isAlias = problem.contains("alias") || context?.text.contains("alias") == true
        let hint: YAMLHint? = isAlias ? .star : rest?.first == "\t" ? .tab : nil
        let from = context.map { $0.text.hasPrefix("while") ? " \($0.text) from line \($0.mark.line) on" : "" } ?? ""
        let at = SourcePosition(line: mark.line, column: mark.column)
        return .notYAML(path: path, at: at, reason: problem + from, hint: hint)
    }
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
        .composer(let context, let problem, let mark, _):
        return notYAML(mark, problem, context)
    case .reader(let problem, let offset, _, _):
        let before = text.prefix(offset ?? 0)
        let column = before.reversed().prefix { !$0.isNewline }.count + 1
        let at = SourcePosition(line: before.filter(\.isNewline).count + 1, column: column)
        return .notYAML(path: path, at: at, reason: problem, hint: nil)
    case .duplicatedKeysInMapping(let keys, let context):
        return .duplicateKeys(path: path, line: context.mark.line, keys: keys)
    case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
        let at = SourcePosition(line: 1, column: 1)
        return .notYAML(path: path, at: at, reason: "the text cannot be read", hint: nil)
    }
}

/// The known key that `key` was most likely meant to be: at most a third of its letters differ. The first of equals.
func nearestKey(to key: String, among known: [String]) -> String? {
    let word = Array(key.lowercased().unicodeScalars.prefix(64))
    var best: (key: String, distance: Int)?
    for candidate in known {
        let distance = editDistance(word, Array(candidate.unicodeScalars))
        if distance <= max(1, candidate.count / 3), distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.key
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
func editDistance<Letter: Equatable>(_ a: [Letter], _ b: [Letter]) -> Int {
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
        var row = [i + 1]
        for j in 0..<b.count {
            var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, rows[i - 1][j - 1] + 1) }
            row.append(cost)
        }
        rows.append(row)
    }
    return rows[a.count][b.count]
}
