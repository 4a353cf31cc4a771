// From the entries of a job to the models to tune: paths resolved, globs expanded, variants multiplied, names made
// unique or refused. Input: the job, a function that lists the files of a folder, the home folder. Output: models in
// the order of entries, matches and bindings. The result depends on nothing else.

import Basics
import ONNXImport

/// Longest name of a job or of a model in a job, in bytes.
let nameLengthMax = 100

extension JobFile {
    /// Path of the catalog, relative to the working folder or absolute; `nil` when the job names none.
    /// - Throws: `noHome`.
    package func catalogPath(home: String) throws(JobFileError) -> String? {
        guard let catalog else { return nil }
        return try resolve(catalog, home: home, JobPlace(path: path, line: 0, key: "catalog"))
    }

    /// The models to tune.
    ///
    /// A glob has `*` and `?` in its last component; its matches come in order of their bytes, files that start with
    /// `.` only when the glob does. An exclude without a folder is matched with the name alone. A file that another
    /// entry names without a glob belongs to that entry. A path without a glob is not looked up: the import does that.
    /// - Parameters:
    ///   - listFiles: names of the regular files in a folder (`.`, `jobs/models`, `/`), in any order; nothing for a
    ///     folder that cannot be read.
    ///   - home: what `~` stands for; empty when nobody knows.
    /// - Throws: `wildcardInFolder`, `noMatch`, `allExcluded`, `nameForSeveral`, `duplicateName`, `tooMany`, `noHome`.
    package func expandedModels(
        listFiles: (_ folder: String) -> [String], home: String
    ) throws(JobFileError) -> [JobModel] {
        var named: Set<String> = []
        for (index, model) in models.enumerated() where !hasWildcard(model.path) {
            named.insert(try resolve(model.path, home: home, place(index, ".path")))
        }
        var out: [JobModel] = []
        var owners: [String: (entry: Int, path: String)] = [:]
        for (index, model) in models.enumerated() {
            let isGlob = hasWildcard(model.path)
            let paths = try matches(index, listFiles, home: home).filter { !isGlob || !named.contains($0) }
            if let name = model.name, paths.count > 1 {
                throw .nameForSeveral(
                    place(index, ".name"), name: name, pattern: model.path, matchCount: paths.count)
            }
            guard let variants = variants(model.bindings) else { throw tooManyVariants(index) }
            for path in paths {
                for variant in variants {
                    let name = (model.name ?? safeName(stem(of: path, without: [".onnx"]))) + variant.suffix
                    if let owner = owners.updateValue((index, path), forKey: name) {
                        throw .duplicateName(
                            place(index), name: name, path: path, otherKey: place(owner.entry).key,
                            otherPath: owner.path)
                    }
                    out.append(
                        JobModel(
                            name: name, path: path, bindings: variant.bindings, inputSeed: model.inputSeed,
                            settings: model.settings))
                }
                guard out.count <= JobFile.modelsMax else {
                    throw .tooMany(place(index), .models, count: out.count, limit: JobFile.modelsMax)
                }
            }
        }
        return out
    }

    /// Resolved paths of one entry, at least one.
    private func matches(
        _ index: Int, _ listFiles: (_ folder: String) -> [String], home: String
    ) throws(JobFileError) -> [String] {
        let model = models[index]
        let pattern = try resolve(model.path, home: home, place(index, ".path"))
        let (folder, glob) = split(pattern)
        var found = [pattern]
        if hasWildcard(model.path) {
            // the job's own folder may have any name
            guard !hasWildcard(split(model.path).folder) else {
                throw .wildcardInFolder(place(index, ".path"), pattern: model.path)
            }
            let listed = folder.isEmpty ? "." : folder == "/" ? "/" : String(folder.dropLast())
            found = listFiles(listed).filter { globMatches(glob, $0) }
                .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
                .map { folder + $0 }
            if found.isEmpty { throw .noMatch(place(index, ".path"), pattern: model.path, folder: listed) }
        }
        var kept = found
        for exclude in model.exclude {
            guard !hasWildcard(split(exclude).folder) else {
                throw .wildcardInFolder(place(index, ".exclude"), pattern: exclude)
            }
            let (excludedFolder, excluded) = split(try resolve(exclude, home: home, place(index, ".exclude")))
            let isNameOnly = !exclude.utf8.contains(UInt8(ascii: "/"))
            kept.removeAll { path in
                let (folder, name) = split(path)
                return (isNameOnly || folder == excludedFolder) && globMatches(excluded, name)
            }
        }
        if kept.isEmpty {
            throw .allExcluded(place(index, ".exclude"), pattern: model.path, matchCount: found.count)
        }
        return kept
    }

    private func place(_ index: Int, _ key: String = "") -> JobPlace {
        JobPlace(path: path, line: models[index].line, key: "models[\(index)]\(key)")
    }

    private func tooManyVariants(_ index: Int) -> JobFileError {
        var count = 1
        for binding in models[index].bindings {
            let (product, overflow) = count.multipliedReportingOverflow(by: binding.values.count)
            count = overflow ? .max : product
        }
        return .tooMany(place(index, ".bindings"), .variants, count: count, limit: JobFile.variantsMax)
    }

    /// Makes a path absolute, or relative to the working folder; `.` and doubled slashes go.
    private func resolve(_ written: String, home: String, _ place: JobPlace) throws(JobFileError) -> String {
        var whole = written
        if written == "~" || written.hasPrefix("~/") {
            guard !home.isEmpty else { throw .noHome(place, path: written) }
            whole = home + written.dropFirst()
        } else if !written.hasPrefix("/") {
            whole = split(path).folder + written
        }
        let parts = whole.split(separator: "/").filter { $0 != "." }
        return (whole.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    }
}

/// The folder with its slash, and the last component.
private func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return ("", path) }
    return (String(path[...slash]), String(path[path.index(after: slash)...]))
}

private func hasWildcard(_ path: String) -> Bool { path.contains { $0 == "*" || $0 == "?" } }

/// The last component of a path without the first of `suffixes` that fits.
func stem(of path: String, without suffixes: [String]) -> String {
    let name = split(path).name
    for suffix in suffixes where name.hasSuffix(suffix) { return String(name.dropLast(suffix.count)) }
    return name
}

/// A name made of letters, digits, `-`, `_` and `.`, not too long and never empty; equal to a name that is so already.
func safeName(_ text: String) -> String {
    let safe = text.unicodeScalars.prefix(nameLengthMax).map { scalar -> Character in
        let isSafe = scalar.isASCII && (scalar.properties.isAlphabetic || (0x30...0x39).contains(scalar.value))
        return isSafe || "-_.".unicodeScalars.contains(scalar) ? Character(scalar) : "_"
    }
    return safe.isEmpty ? "_" : String(safe)
}

/// Whether `*` (any number of scalars) and `?` (one) make `pattern` equal to `name`. Time is at most the product of
/// the lengths.
func globMatches(_ pattern: String, _ name: String) -> Bool {
    let pattern = Array(pattern.unicodeScalars)
    let name = Array(name.unicodeScalars)
    if name.first == ".", pattern.first != "." { return false }
    var (p, n) = (0, 0)
    var retry: (p: Int, n: Int)?
    while n < name.count {
        if p < pattern.count, pattern[p] == "*" {
            retry = (p, n)
            p += 1
        } else if p < pattern.count, pattern[p] == "?" || pattern[p] == name[n] {
            p += 1
            n += 1
        } else if let last = retry {
            retry = (last.p, last.n + 1)
            (p, n) = (last.p + 1, last.n + 1)
        } else {
            return false
        }
    }
    return pattern[p...].allSatisfy { $0 == "*" }
}
