// Links in the documents point somewhere: a relative link names a file or folder that exists, its anchor a heading
// of that file, and a path in backticks (`Sources/…`, `docs/…`) exists too. Fenced blocks are examples and are skipped.

/// Links and paths of a document that point nowhere.
func linkFindings(_ file: TextFile, in repository: Repository) -> [Finding] {
    guard file.isMarkdown else { return [] }
    return proseLines(file.text).flatMap { number, line -> [Finding] in
        func finding(_ message: String) -> Finding { Finding(path: file.path, line: number, message: message) }
        let links = linkTargets(line).compactMap { linkObjection($0, from: file, in: repository) }
        let paths = codeSpans(line).filter { isRepositoryPath($0) && !exists($0, in: repository) }
        return links.map(finding) + paths.map { finding("`\($0)` does not exist") }
    }
}

/// The lines of a document outside fenced blocks, with their numbers.
func proseLines(_ text: String) -> [(number: Int, line: Substring)] {
    var isFenced = false
    var found: [(number: Int, line: Substring)] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        if trimmed(line).hasPrefix("```") {
            isFenced.toggle()
        } else if !isFenced {
            found.append((index + 1, line))
        }
    }
    return found
}

/// What stands in the parentheses of `[text](target)`.
func linkTargets(_ line: Substring) -> [String] {
    line.split(separator: "](", omittingEmptySubsequences: false).dropFirst().compactMap { part in
        part.firstIndex(of: ")").map { String(part[..<$0]) }
    }
}

private func linkObjection(_ target: String, from file: TextFile, in repository: Repository) -> String? {
    if target.hasPrefix("https://") || target.hasPrefix("http://") || target.hasPrefix("mailto:") { return nil }
    let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts[0].isEmpty ? file.path : resolved(String(parts[0]), from: file.path)
    guard repository.entries.contains(path) else { return "the link \(target) points nowhere" }
    guard parts.count == 2 else { return nil }
    guard let there = repository.file(path), anchors(there.text).contains(String(parts[1])) else {
        return "the link \(target) names a heading that is not there"
    }
    return nil
}

/// A relative path from the folder of `file`, from the root.
private func resolved(_ path: String, from file: String) -> String {
    var folders = path.hasPrefix("/") ? [] : file.split(separator: "/").dropLast().map(String.init)
    for part in path.split(separator: "/") {
        if part == ".." {
            if !folders.isEmpty { folders.removeLast() }
        } else if part != "." {
            folders.append(String(part))
        }
    }
    return folders.joined(separator: "/")
}

/// The names under which a document's headings are linked: lower case, words joined by hyphens.
func anchors(_ text: String) -> Set<String> {
    Set(
        proseLines(text).filter { $0.line.hasPrefix("#") }.map { _, line in
            let title = trimmed(line.drop { $0 == "#" })
            return String(title.lowercased().filter { $0.isLetter || $0.isNumber || " -_".contains($0) })
                .split(separator: " ", omittingEmptySubsequences: false).joined(separator: "-")
        })
}

/// The texts between backticks of a line.
func codeSpans(_ line: Substring) -> [String] {
    let parts = line.split(separator: "`", omittingEmptySubsequences: false)
    return stride(from: 1, to: parts.count - 1, by: 2).map { String(parts[$0]) }
}

private func isRepositoryPath(_ span: String) -> Bool {
    let tops = ["Sources/", "Tests/", "docs/", "jobs/", "cluster/"]
    return tops.contains { span.hasPrefix($0) } && !span.contains { " *<>…{}=".contains($0) }
}

private func exists(_ span: String, in repository: Repository) -> Bool {
    var path = span.split(separator: ":")[0]
    if path.last == "/" { path.removeLast() }
    return repository.entries.contains(String(path))
}
