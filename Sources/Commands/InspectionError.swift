// What the commands that look at things can refuse: digests that name nothing, texts that are none, a device that was
// never measured. Each case renders into one sentence that says what to do next.

import Basics
import Catalog

enum InspectionError: Explained, Equatable {
    case notAPrefix(String)
    case unknownDigest(prefix: String, catalog: String)
    case ambiguousDigest(prefix: String, found: [Named])
    case unknownModelOrWorkload(String, catalog: String)
    case notAKind(what: String, digest: Digest, kind: FactTable)
    case badName(String)
    case unknownText(path: String, found: String)
    case badText(path: String, reason: String)
    case notRunnable(path: String, kind: String)
    case kernelsMissing(path: String)
    case kernelMismatch(path: String, kernel: Int, reason: String)
    case nothingRuns(path: String, reason: String)
    case neverMeasured(processor: String)

    /// One thing that a prefix may mean.
    struct Named: Hashable {
        var table: FactTable
        var digest: Digest
    }

    var sentence: String {
        switch self {
        case .notAPrefix(let text):
            "'\(escaped(text, limit: 80))' is no digest: give 4 to 64 hex digits of one, in lower case"
        case .unknownDigest(let prefix, let catalog):
            "no row of \(escaped(catalog)) has a digest that starts with \(prefix): "
                + "'ironworks catalog list' shows what there is"
        case .ambiguousDigest(let prefix, let found):
            "several digests start with \(prefix), give more digits: "
                + found.map { "\($0.digest.short) (\($0.table.rawValue))" }.joined(separator: ", ")
        case .unknownModelOrWorkload(let text, let catalog):
            "\(escaped(catalog)) holds no model and no workload '\(escaped(text, limit: 80))': give a model's name or "
                + "the first digits of a digest; 'ironworks catalog list' shows what there is"
        case .notAKind(let what, let digest, let kind):
            "\(digest.short) is in table \(kind.rawValue), and no \(what): 'ironworks catalog show \(digest.short)' "
                + "shows it"
        case .badName(let name):
            "'\(escaped(name, limit: 80))' cannot be a tag: use 1 to 64 letters, digits, '-', '_' and '.'"
        case .unknownText(let path, let found):
            "\(escaped(path)) starts with \(found), which no text does: a text starts with "
                + TextKind.allCases.map(\.rawValue).joined(separator: ", ").replacingLast(", ", with: " or ")
        case .badText(let path, let reason): "\(escaped(path)): \(reason)"
        case .notRunnable(let path, let kind):
            "\(escaped(path)) is a \(kind), which does not compute anything: run a workload, graph, kernel or program"
        case .kernelsMissing(let path):
            "\(escaped(path)) is a program, which names its kernels only: give their texts with --kernels FILE, as "
                + "'ironworks dump MODEL.onnx --after kernels' prints them"
        case .kernelMismatch(let path, let kernel, let reason):
            "\(escaped(path)) does not hold the program's kernel k\(kernel): \(reason)"
        case .nothingRuns(let path, let reason): "\(escaped(path)) cannot be run: \(reason)"
        case .neverMeasured(let processor):
            "\(escaped(processor)) was never measured with this cache folder: run 'ironworks device measure'"
        }
    }
}

extension String {
    /// The text with the last occurrence of `part` replaced.
    func replacingLast(_ part: String, with other: String) -> String {
        var at = endIndex
        while at > startIndex {
            at = index(before: at)
            if self[at...].hasPrefix(part) { return self[..<at] + other + self[index(at, offsetBy: part.count)...] }
        }
        return self
    }
}
