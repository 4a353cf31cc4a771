// Which failure a reduction holds on to. Input: the word of --when, what became of the original, and TEXT. Output:
// whether another model fails in the same way: refused by a sentence of the same kind, ended by the same signal, wrong
// results. Also what `reduce` can refuse, a sentence per case.

import ArgumentParser
import Basics
import ONNXImport

enum ReduceWhen: String, CaseIterable, ExpressibleByArgument {
    case mismatch, crash, error

    /// How far a model is taken, the quickest first.
    var stages: [ReduceStage] {
        switch self {
        case .mismatch: [.compared]
        case .crash, .error: [.imported, .assembled, .run]
        }
    }
}

enum ReduceFailure: Equatable {
    /// A sentence of this kind.
    case sentence(kind: String)
    /// A sentence with this text in it.
    case containing(String)
    case crash(signal: Int32)
    case hang
    case programFailed(kind: String)
    case mismatch

    /// The failure that the original shows; `nil` when it is none that `when` means.
    /// - Parameter names: what differs between two models and says nothing, such as their paths.
    init?(_ when: ReduceWhen, _ outcome: ReduceOutcome, containing text: String?, names: [String]) {
        switch (when, outcome) {
        case (.error, .refused(let sentence)), (.error, .programFailed(let sentence)):
            if let text {
                guard sentence.contains(text) else { return nil }
                self = .containing(text)
            } else {
                self = .sentence(kind: sentenceKind(sentence, without: names))
            }
        case (.crash, .crashed(let signal)): self = .crash(signal: signal)
        case (.crash, .hung): self = .hang
        case (.crash, .programFailed(let reason)): self = .programFailed(kind: sentenceKind(reason))
        case (.mismatch, .differs): self = .mismatch
        case (.error, .fine), (.error, .differs), (.error, .crashed), (.error, .hung), (.crash, .fine),
            (.crash, .refused), (.crash, .differs), (.mismatch, .fine), (.mismatch, .refused),
            (.mismatch, .programFailed), (.mismatch, .crashed), (.mismatch, .hung):
            return nil
        }
    }

    func matches(_ outcome: ReduceOutcome, names: [String]) -> Bool {
        switch (self, outcome) {
        case (.sentence(let kind), .refused(let sentence)), (.sentence(let kind), .programFailed(let sentence)):
            sentenceKind(sentence, without: names) == kind
        case (.containing(let text), .refused(let sentence)), (.containing(let text), .programFailed(let sentence)):
            sentence.contains(text)
        case (.crash(let signal), .crashed(let found)): signal == found
        case (.hang, .hung), (.mismatch, .differs): true
        case (.programFailed(let kind), .programFailed(let reason)): sentenceKind(reason) == kind
        case (.sentence, _), (.containing, _), (.crash, _), (.hang, _), (.programFailed, _), (.mismatch, _): false
        }
    }

    /// What is said of a candidate's sentence does not depend on where the candidate lies.
    static func names(of path: String) -> [String] {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let folder = path.hasSuffix("/" + name) ? String(path.dropLast(name.count + 1)) : "."
        let stem = name.hasSuffix(".onnx") ? String(name.dropLast(5)) : name
        return [path, name, stem, folder].filter { $0.count > 1 }
    }
}

enum ReduceError: Explained, Equatable {
    case doesNotFail(model: String, when: ReduceWhen, text: String?, outcome: String)
    case notReproduced(path: String)

    var sentence: String {
        switch self {
        case .doesNotFail(let model, let when, let text, let outcome):
            "\(escaped(model)) does not fail with --when \(when.rawValue)"
                + (text.map { " --containing \"\(escaped($0))\"" } ?? "") + "; \(outcome)"
        case .notReproduced(let path):
            "the reduced model failed only where it was tested, not as \(escaped(path)); please report this"
        }
    }
}
