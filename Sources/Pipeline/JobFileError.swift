// What can be wrong with a job file, a --bind, a --until or a --budget, as facts; the sentences are in
// JobFileError+Message.swift. A place is the line and the path of a key, or the name of an option.

import Basics

/// Where something stands: a key of a file, or an option of the command line.
package struct JobPlace: Hashable, Sendable {
    /// The file as it was given; `nil` or empty when there is none.
    package var path: String?
    /// Counted from 1; 0 when nobody knows.
    package var line: Int
    /// `models[0].bindings.batch`, `--bind`, or empty for the whole file.
    package var key: String

    package init(path: String?, line: Int, key: String) {
        self.path = path
        self.line = line
        self.key = key
    }

    static func option(_ name: String) -> JobPlace { JobPlace(path: nil, line: 0, key: name) }
}

package enum JobFileError: Explained, Hashable {
    case tooLong(path: String, byteCount: Int)
    /// `reason` is the YAML parser's.
    case notYAML(path: String, at: SourcePosition, reason: String, hint: YAMLHint?)
    case duplicateKeys(path: String, line: Int, keys: [String])
    case empty(path: String)
    case unsupportedVersion(JobPlace, found: String)
    case missingKey(in: JobPlace, key: String)
    case unknownKey(in: JobPlace, key: String, nearest: String?, known: [String])
    /// A list or a mapping where a key should stand.
    case keyIsNoText(in: JobPlace)
    /// A tag such as `!!binary`.
    case tag(JobPlace, String)
    /// Wrong type, or out of range.
    case value(JobPlace, expected: JobValue, found: FoundValue)
    /// Part of the format, and this version cannot do it.
    case notAvailable(JobPlace, JobFeature, value: String)
    case noModels(JobPlace)
    case twoBudgets(JobPlace)
    /// A value of a list, or a name, that stands twice.
    case repeated(JobPlace, value: String)
    case tooMany(JobPlace, JobCount, count: Int, limit: Int)
    case bindingOption(text: String)
    case wildcardInFolder(JobPlace, pattern: String)
    case noMatch(JobPlace, pattern: String, folder: String)
    case allExcluded(JobPlace, pattern: String, matchCount: Int)
    case nameForSeveral(JobPlace, name: String, pattern: String, matchCount: Int)
    case duplicateName(JobPlace, name: String, path: String, otherKey: String, otherPath: String)
    case noHome(JobPlace, path: String)
}

/// What to do about YAML that did not parse, where that is known.
package enum YAMLHint: Hashable, Sendable {
    /// A tab where indentation is expected.
    case tab
    /// A text that starts with `*` and reads as an alias.
    case star
}

/// What a value should have been.
package enum JobValue: Hashable, Sendable {
    case mapping(keys: [String])
    case bindings
    case modelEntry
    case list(of: String)
    case text
    case name
    case path
    case integer(ClosedRange<Int>)
    case numberAboveZero(atMost: Int)
    case numberUpToOne
    case choice([String])
    case clockTime
    case duration
    case bindingValue
}

/// What stood there instead.
package enum FoundValue: Hashable, Sendable {
    case nothing
    case text(String)
    case emptyList
    case list
    case mapping
}

/// What later versions are for.
package enum JobFeature: Hashable, Sendable {
    case target, threads, precision, listen, cluster, report, inputsFile
}

package enum JobCount: Hashable, Sendable {
    case models, variants, values
}
