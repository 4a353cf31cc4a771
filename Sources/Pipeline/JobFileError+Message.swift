// The sentences of JobFileError: where, what is wrong, what to write instead. Texts from the file are escaped.

import Basics

extension JobFileError {
    package var sentence: String {
        switch self {
        case .tooLong(let path, let byteCount):
            "\(escaped(path)) has \(byteCount) bytes, and a job file has at most \(JobFile.bytesMax); split the job"
        case .notYAML(let path, let at, let reason, let hint):
            "\(escaped(path)):\(at): not YAML: \(escaped(reason))\(hint?.text ?? "")"
        case .duplicateKeys(let path, let line, let keys):
            "\(escaped(path)):\(line): \(list(keys)) \(keys.count == 1 ? "stands" : "stand") more than once in one "
                + "mapping; keep one"
        case .empty(let path):
            "\(escaped(path)) is empty; a job needs at least 'version: \(JobFile.supportedVersion)' and 'models'"
        case .unsupportedVersion(let place, let found):
            "\(place.prefix)version \(quoted(found)) is not supported; this program reads version "
                + "\(JobFile.supportedVersion)"
        case .missingKey(let place, let key): missingSentence(place, key)
        case .unknownKey(let place, let key, let nearest, let known):
            "\(place.prefix)unknown key \(quoted(key))\(place.inside); "
                + (nearest.map { "did you mean '\($0)'?" } ?? "the keys are \(known.joined(separator: ", "))")
        case .keyIsNoText(let place): "\(place.prefix)a key\(place.inside) is no text; write it as a word"
        case .tag(let place, let tag):
            "\(place.prefix)\(place.subject) has the tag \(quoted(tag)), and job files use none; leave it out"
        case .value(let place, let expected, let found): valueSentence(place, expected, found)
        case .notAvailable(let place, let feature, let value):
            "\(place.prefix)\(place.subject): \(quoted(value)) is not available in this version, \(feature.text)"
        case .noModels(let place): "\(place.prefix)models is empty; name at least one ONNX file"
        case .twoBudgets(let place): "\(place.prefix)budget has both 'until' and 'for'; keep one of them"
        case .repeated(let place, let value): "\(place.prefix)\(place.subject) has \(quoted(value)) twice; keep one"
        case .tooMany(let place, let what, let count, let limit):
            "\(place.prefix)\(place.subject) makes \(count) \(what.text), and \(limit) is the limit; split the job"
        case .bindingOption(let text):
            "--bind \(quoted(text)) is not a binding; write NAME=N, several extents as NAME=N,N, or a whole shape as "
                + "NAME=1x3x48x192, with extents from 1 to 2147483647"
        case .wildcardInFolder, .noMatch, .allExcluded, .nameForSeveral, .duplicateName, .noHome: fileSentence
        }
    }

    /// What expansion finds wrong with paths and names.
    private var fileSentence: String {
        switch self {
        case .wildcardInFolder(let place, let pattern):
            return "\(place.prefix)\(place.subject) \(quoted(pattern)) has a wildcard in a folder; "
                + "'*' and '?' may stand in the file's name only"
        case .noMatch(let place, let pattern, let folder):
            return "\(place.prefix)\(place.subject) \(quoted(pattern)) matches no file in the folder "
                + "\(quoted(folder)); correct the path or put the models there"
        case .allExcluded(let place, let pattern, let count):
            return "\(place.prefix)\(place.subject) takes away "
                + (count == 1 ? "the only match" : "all \(count) matches") + " of \(quoted(pattern)); exclude fewer"
        case .nameForSeveral(let place, let name, let pattern, let count):
            return "\(place.prefix)\(place.subject) \(quoted(name)) would stand for all \(count) files that match "
                + "\(quoted(pattern)); leave it out, or write an entry for each file"
        case .duplicateName(let place, let name, let path, let otherKey, let otherPath):
            return "\(place.prefix)two models are named \(quoted(name)): \(quoted(path)) of \(place.subject) and "
                + "\(quoted(otherPath)) of \(escaped(otherKey)); give one of them a 'name' of its own"
        case .noHome(let place, let path):
            return "\(place.prefix)\(place.subject) \(quoted(path)) is in the home folder, and HOME is not set; "
                + "write an absolute path"
        case .tooLong, .notYAML, .duplicateKeys, .empty, .unsupportedVersion, .missingKey, .unknownKey, .keyIsNoText,
            .tag, .value, .notAvailable, .noModels, .twoBudgets, .repeated, .tooMany, .bindingOption:
            preconditionFailure("a sentence that is written elsewhere")
        }
    }
}

private func missingSentence(_ place: JobPlace, _ key: String) -> String {
    let advice =
        switch key {
        case "version": "write 'version: \(JobFile.supportedVersion)' at the top"
        case "models": "list at least one ONNX file under it"
        case "path": "name an ONNX file or a glob such as models/*.onnx"
        case "until": "write {until: \"07:30\"} or {for: 8h}"
        default: "add it"
        }
    let what = key == "until" ? "has neither 'until' nor 'for'" : "has no key '\(key)'"
    return "\(place.prefix)\(place.key.isEmpty ? "the job" : place.subject) \(what); \(advice)"
}

private func valueSentence(_ place: JobPlace, _ expected: JobValue, _ found: FoundValue) -> String {
    let subject = place.key.isEmpty ? "a job" : place.subject
    return switch found {
    case .nothing: "\(place.prefix)\(subject) has no value; it must be \(expected.text)"
    case .text(let text): "\(place.prefix)\(subject) must be \(expected.text), not \(quoted(text))"
    case .emptyList: "\(place.prefix)\(subject) must be \(expected.text), not an empty list"
    case .list: "\(place.prefix)\(subject) must be \(expected.text), not a list"
    case .mapping: "\(place.prefix)\(subject) must be \(expected.text), not a mapping"
    }
}

private func quoted(_ text: String) -> String { "'" + escaped(text, limit: 80) + "'" }

private func list(_ keys: [String]) -> String {
    (keys.count == 1 ? "the key " : "the keys ") + keys.map(quoted).joined(separator: ", ")
}

extension JobPlace {
    /// `jobs/zoo.yaml:7: `, without a line when none is known; nothing for an option.
    fileprivate var prefix: String {
        guard let path, !path.isEmpty else { return "" }
        return line > 0 ? "\(escaped(path)):\(line): " : "\(escaped(path)): "
    }
    fileprivate var subject: String { escaped(key) }
    fileprivate var inside: String { key.isEmpty ? "" : " in \(subject)" }
}

extension YAMLHint {
    fileprivate var text: String {
        switch self {
        case .tab: "; indent with spaces, not with tabs"
        case .star: "; put a text that starts with '*' in quotes"
        }
    }
}

extension JobValue {
    fileprivate var text: String {
        switch self {
        case .mapping(let keys): "a mapping with the keys \(keys.joined(separator: ", "))"
        case .bindings: "a mapping of names to extents"
        case .modelEntry: "a path or a mapping with the key 'path'"
        case .list(let items): "a list of \(items)"
        case .text: "a text"
        case .name: "a name of 1 to \(nameLengthMax) letters, digits, '-', '_' and '.'"
        case .path: "a path"
        case .integer(let range):
            range.upperBound == .max
                ? "an integer of at least \(range.lowerBound)"
                : "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .numberAboveZero(let most): "a number above 0 and up to \(most)"
        case .numberUpToOne: "a number from 0 to 1"
        case .choice(let words): words.count == 1 ? "'\(words[0])'" : "one of " + words.joined(separator: ", ")
        case .clockTime: "a time of day from 00:00 to 23:59, such as \"07:30\""
        case .duration: "a duration of 1s to \(JobFile.Budget.hoursMax)h, such as 90s, 20m or 8h"
        case .bindingValue: "an extent from 1 to 2147483647, a shape such as 1x3x48x192, or a list of them"
        }
    }
}

extension JobFeature {
    /// What this version has instead, and what to do.
    fileprivate var text: String {
        switch self {
        case .target: "which tunes for 'cpu' only; write 'targets: [cpu]' or leave the key out"
        case .threads: "which tunes a model for one number of lanes; keep one, and write another job for the other"
        case .precision: "which computes in fp32 only; write 'precision: fp32' or leave the key out"
        case .listen: "whose workers all run on this machine; write 'listen: ipc' or leave the key out"
        case .cluster: "which starts its workers itself; write 'cluster: none' or leave the key out"
        case .report: "which writes no page; leave the key out"
        case .inputsFile: "which makes its inputs from a seed; write 'inputs: {seed: 0}' or leave the key out"
        }
    }
}

extension JobCount {
    fileprivate var text: String {
        switch self {
        case .models: "models"
        case .variants: "variants of a model"
        case .values: "values"
        }
    }
}
