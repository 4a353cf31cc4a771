// The files that the tidy tests read, as values: path from the package root, and text. Only kinds of text that people
// write are taken; what a build or a run leaves behind is not. Also the shape in which every check answers.

import Foundation

/// One text of the repository.
struct TextFile: Equatable {
    /// From the package root, with `/` between folders.
    let path: String
    let text: String
    /// A Swift text without comments and without the insides of strings; other texts as they are.
    let code: String

    init(path: String, text: String) {
        self.path = path
        self.text = text
        code = path.hasSuffix(".swift") ? blanked(text, strings: true) : text
    }

    var codeLines: [Substring] { code.split(separator: "\n", omittingEmptySubsequences: false) }
    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

    /// The file's name without folders.
    var name: String { String(path.split(separator: "/").last ?? "") }

    /// The target that a source belongs to: `Sources/Basics/Tick.swift` is of `Basics`.
    var target: String? { folder(under: "Sources") ?? (testTarget.flatMap { TextFile.tools.contains($0) ? $0 : nil }) }

    /// Targets beside the tests that are no tests: what tests and `make fuzz` share.
    private static let tools: Set<String> = ["ImportFuzzing", "FuzzImport"]

    /// The test target that a test belongs to.
    var testTarget: String? { folder(under: "Tests") }

    /// Code that a program wrote; its style is not ours.
    var isGenerated: Bool { path.hasSuffix(".pb.swift") }

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isC: Bool { path.hasSuffix(".c") || path.hasSuffix(".h") }
    var isMarkdown: Bool { path.hasSuffix(".md") }

    private func folder(under top: String) -> String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == top ? String(parts[1]) : nil
    }
}

/// A rule that a line breaks, with what to do instead.
struct Finding: Equatable, CustomStringConvertible {
    var path: String
    /// Counted from 1; 0 when the whole file is meant.
    var line: Int
    var message: String

    var description: String { line == 0 ? "\(path): \(message)" : "\(path):\(line): \(message)" }
}

/// Everything the checks look at.
struct Repository {
    var files: [TextFile]
    /// Every file and folder there is, for links: paths from the root, folders without a slash at the end.
    var entries: Set<String>

    static let folders = ["Sources", "Tests", "docs", "jobs", "cluster", ".ci"]
    static let single = ["Package.swift", "Makefile", "README.md", "LICENSE"]
    static let kinds: Set<String> = ["swift", "c", "h", "py", "sh", "md", "yaml", "proto", "modulemap", "service", ""]

    /// Reads the checkout that this file was compiled from.
    static let here = Repository(root: packageRoot)

    static var packageRoot: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    init(files: [TextFile]) {
        self.files = files
        entries = Set(files.map(\.path))
    }

    init(root: URL) {
        var files: [TextFile] = []
        var entries: Set<String> = []
        func take(_ path: String) {
            let url = root.appendingPathComponent(path)
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else { return }
            entries.insert(path)
            guard !isFolder.boolValue, Repository.kinds.contains(url.pathExtension), path != "LICENSE",
                let data = try? Data(contentsOf: url)
            else { return }
            files.append(TextFile(path: path, text: String(decoding: data, as: UTF8.self)))
        }
        for folder in Repository.folders {
            take(folder)
            let inside = FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)
            while let path = inside?.nextObject() as? String {
                if !path.contains("__pycache__") { take(folder + "/" + path) }
            }
        }
        for path in Repository.single { take(path) }
        self.files = files.sorted { $0.path < $1.path }
        self.entries = entries
    }

    var swiftSources: [TextFile] { files.filter { $0.isSwift && $0.target != nil && !$0.isGenerated } }
    var swiftTests: [TextFile] { files.filter { $0.isSwift && $0.testTarget != nil } }

    func file(_ path: String) -> TextFile? { files.first { $0.path == path } }
}
