// Who may import whom: the module table of docs/architecture.md as data. Imports point to a lower row only, the two
// columns do not see each other below the rows that span both, and each foreign module has named importers. A new
// target is entered here first; a new sideways arrow needs its line and a reason.

/// The layers from top to bottom.
enum Layering {
    struct Row {
        var both: [String] = []
        var compiler: [String] = []
        var farm: [String] = []
    }

    static let rows = [
        Row(both: ["ironworks"], compiler: ["FuzzImport"]),
        Row(both: ["Commands"]),
        Row(both: ["Trials"]),
        Row(both: ["Tuning"]),
        Row(compiler: ["Pipeline", "Export", "Runtime", "ImportFuzzing"], farm: ["FarmTransport"]),
        Row(compiler: ["ONNXImport", "Grinder", "Welder", "Roller"], farm: ["FarmSimulation"]),
        Row(compiler: ["Rammer", "Lowering", "Emit"], farm: ["FarmCore", "Catalog"]),
        Row(compiler: ["Schedules", "KernelIR", "ProgramIR"]),
        Row(compiler: ["TensorIR", "DeviceModel"]),
        Row(both: ["Basics"]),
    ]

    /// Arrows inside a row: importer, imported, why.
    static let sideways: [(from: String, to: String, why: String)] = [
        ("Welder", "Roller", "a weld's anchor is tiled by the same construction")
    ]

    /// Modules that are not Swift targets of ours, each with the targets that may import it.
    static let foreign: [String: Set<String>] = [
        "CDigest": ["Basics"],
        "CKernelRuntime": ["Emit", "Export", "Runtime"],
        "CSystem": ["Runtime", "FarmTransport", "Commands", "ironworks", "FuzzImport"],
        "CZeroMQ": ["FarmTransport"],
        "GRDB": ["Catalog"],
        "SwiftProtobuf": ["ONNXImport", "ImportFuzzing"],
        "Yams": ["Pipeline"],
        "ArgumentParser": ["Commands", "ironworks", "FuzzImport"],
        "Foundation": ["Catalog", "Runtime", "Commands", "ironworks"],
    ]

    /// Modules of the language and the C library that anyone may import.
    static let free: Set<String> = ["Dispatch", "Glibc", "Synchronization", "Swift"]

    /// Targets without a test target of their own, with where their tests are.
    static let testedElsewhere: [String: String] = [
        "ironworks": "holds @main only; the end-to-end tests run it",
        "CDigest": "BasicsTests",
        "CKernelRuntime": "RuntimeTests and the end-to-end tests run it",
        "CSystem": "RuntimeTests",
        "CZeroMQ": "FarmTransportTests",
        "ImportFuzzing": "ONNXImportTests",
        "FuzzImport": "the program of make fuzz; what it does with a case is ImportFuzzing's",
    ]

    /// Why `importer` may not import `module`; `nil` when it may.
    static func objection(_ importer: String, importing module: String) -> String? {
        if let allowed = foreign[module] {
            if allowed.contains(importer) { return nil }
            return "\(importer) may not import \(module); only \(allowed.sorted().joined(separator: ", ")) may"
        }
        if free.contains(module) { return nil }
        guard let from = place(importer) else { return "\(importer) stands in no row of Layering.rows" }
        guard let to = place(module) else { return "\(module) stands in no row of Layering.rows" }
        if sideways.contains(where: { $0.from == importer && $0.to == module }) { return nil }
        if to.row <= from.row { return "\(importer) may not import \(module): imports point down" }
        if from.side != to.side, from.side != .both, to.side != .both {
            return "\(importer) may not import \(module): it stands in the other column"
        }
        return nil
    }

    enum Side { case both, compiler, farm }

    private static func place(_ name: String) -> (row: Int, side: Side)? {
        for (index, row) in rows.enumerated() {
            if row.both.contains(name) { return (index, .both) }
            if row.compiler.contains(name) { return (index, .compiler) }
            if row.farm.contains(name) { return (index, .farm) }
        }
        return nil
    }
}

/// The modules that a Swift text imports, with their lines.
func imports(_ file: TextFile) -> [(module: String, line: Int)] {
    file.codeLines.enumerated().compactMap { index, line in
        guard line.contains("import ") else { return nil }
        let words = line.split(separator: " ")
        guard let at = words.firstIndex(of: "import"), at + 1 < words.count else { return nil }
        let modifiers: Set<Substring> = ["package", "internal", "private", "fileprivate", "public"]
        guard words[..<at].allSatisfy({ $0.hasPrefix("@") || modifiers.contains($0) }) else { return nil }
        let name = words[words.count - 1].prefix { $0 != "." && $0 != ";" }
        return (String(name), index + 1)
    }
}

/// Imports that point up, sideways or across, or that the manifest does not declare.
func importFindings(_ files: [TextFile], _ manifest: Manifest) -> [Finding] {
    let ours = Set(manifest.targets.map(\.name))
    return files.flatMap { file -> [Finding] in
        guard let target = file.target else { return [] }
        let declared = manifest.target(target)?.dependencies ?? []
        return imports(file).compactMap { module, line in
            if let objection = Layering.objection(target, importing: module) {
                return Finding(path: file.path, line: line, message: objection)
            }
            let needsDeclaring = ours.contains(module)
            if needsDeclaring, !declared.contains(module) {
                let message = "\(module) is imported but Package.swift does not declare it for \(target)"
                return Finding(path: file.path, line: line, message: message)
            }
            return nil
        }
    }
}

/// Arrows of the manifest that the table does not allow, and declared targets of ours that nobody imports.
func manifestFindings(_ manifest: Manifest, _ files: [TextFile]) -> [Finding] {
    func finding(_ message: String) -> Finding { Finding(path: "Package.swift", line: 0, message: message) }
    var found: [Finding] = []
    for target in manifest.libraries {
        let imported = Set(files.filter { $0.target == target.name }.flatMap { imports($0).map(\.module) })
        for dependency in target.dependencies {
            if Layering.foreign[target.name] == nil,
                let objection = Layering.objection(target.name, importing: dependency)
            {
                found.append(finding(objection))
            } else if Layering.foreign[dependency] == nil, !imported.contains(dependency) {
                found.append(finding("\(target.name) declares \(dependency) and never imports it"))
            }
        }
    }
    return found
}

/// Folders that are no target, and targets whose tests are nowhere.
func targetFindings(_ manifest: Manifest, _ files: [TextFile]) -> [Finding] {
    func finding(_ message: String) -> Finding { Finding(path: "Package.swift", line: 0, message: message) }
    let names = Set(manifest.targets.map(\.name))
    let folders = Set(files.filter { $0.isSwift || $0.isC }.compactMap { $0.target ?? $0.testTarget })
    // Tests/EndToEnd holds scripts and the C caller that they compile
    let strangers = folders.subtracting(names).subtracting(["EndToEnd"]).sorted().map {
        finding("folder \($0) is no target")
    }
    let untested = manifest.libraries.filter {
        !names.contains($0.name + "Tests") && Layering.testedElsewhere[$0.name] == nil
    }
    return strangers
        + untested.map { finding("\($0.name) has no \($0.name)Tests and is not in Layering.testedElsewhere") }
}
