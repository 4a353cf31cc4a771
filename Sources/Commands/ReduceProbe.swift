// One try of a model in a process of its own, so that a trap or a hang is an answer like any other. Input: a model and
// how far to go. Output: what became of it. The child is this program again, as the hidden command `reduce-probe`; its
// last line and its exit code say what happened. Programs are made from first choices unless a catalog is named.

import ArgumentParser
import Basics
import Emit
import Glibc
import ONNXImport
import Runtime
import TensorIR

/// How far a model is taken.
enum ReduceStage: String, CaseIterable, ExpressibleByArgument {
    /// Imported, and what was found out about its values written to a file.
    case known
    case imported
    case assembled
    case run
    /// Run, and compared with the interpreter.
    case compared
}

/// What became of a model.
enum ReduceOutcome: Equatable {
    case fine
    case refused(String)
    /// The compiled program crashed, hung or wrote where it must not.
    case programFailed(String)
    case differs(String)
    case crashed(signal: Int32)
    case hung

    static let programFailedCode: Int32 = 3
    static let differsCode: Int32 = 4

    /// The outcome of a child that ended like this.
    init(end: ChildProcess.End?, output: String) {
        let lines = output.split(separator: "\n").map(String.init)
        func said(_ head: String) -> String {
            lines.last { $0.hasPrefix(head) }.map { String($0.dropFirst(head.count)) } ?? lines.last ?? ""
        }
        self =
            switch end {
            case .exited(0)?: .fine
            case .exited(ReduceOutcome.programFailedCode)?: .programFailed(said("failed: "))
            case .exited(ReduceOutcome.differsCode)?: .differs(said("differs: "))
            case .exited?: .refused(said("error: "))
            case .signalled(let signal)?: .crashed(signal: signal)
            case nil: .hung
            }
    }

    var text: String {
        switch self {
        case .fine: "it does everything right"
        case .refused(let sentence): "it is refused: \(sentence)"
        case .programFailed(let reason): "its program \(reason)"
        case .differs(let reason): reason
        case .crashed(let signal): "it crashes with signal \(signal)"
        case .hung: "it does not end in time"
        }
    }
}

struct ReduceProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reduce-probe", abstract: "Tries one model for 'reduce'.", shouldDisplay: false)

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The model (.onnx).")
    var model: String
    @Option(name: .long, help: "How far to go.")
    var stage: ReduceStage
    @Option(name: .long, help: "As for run.")
    var bind: [String] = []
    @Option(name: .long, help: "The seed of the inputs.")
    var seed: UInt64 = 7
    @Option(name: .long, help: "As for run.")
    var threads: Int = 1
    @Option(name: .long, help: "Where 'known' writes to.")
    var output: String?

    func run() throws {
        if stage == .known {
            let known = KnownValues(try ModelFile(path: model), bindings: try bindings(bind))
            if let output { try Folder.write(known.encoded, to: output) }
            return
        }
        let loaded = try LoadedModel(path: model, bindings: try bindings(bind))
        if stage == .imported { return }
        let shop = try ModelShop(catalogPath: global.catalog, Progress(global))
        let assembly = try shop.tuned(loaded, lanes: threads)
        if stage == .assembled { return }
        let types = loaded.description.inputs.map(\.type)
        let inputs = seededInputs(types, seed: seed)
        let found: [[UInt8]]
        do {
            found = try ProgramBench().run(try shop.built(assembly, loaded), inputs)
        } catch CommandError.programFailed(_, let reason) {
            writeError("failed: \(reason)")
            throw ExitCode(ReduceOutcome.programFailedCode)
        }
        if stage == .run { return }
        let values = zip(types, inputs).map { type, bytes in bytes.withUnsafeBytes { TensorValue(type, bytes: $0) } }
        let expected = try interpret(loaded.graph, inputs: values, constants: loaded.constants)
        for (n, output) in loaded.description.outputs.enumerated() {
            let value = found[n].withUnsafeBytes { TensorValue(output.type, bytes: $0) }
            guard let reason = disagreement(value, with: expected[n]) else { continue }
            writeError("differs: output \(escaped(output.name)): \(reason)")
            throw ExitCode(ReduceOutcome.differsCode)
        }
    }
}

/// Why a program's result is not what the interpreter computed; `nil` when they agree: |a - b| <= 1e-3 |b| + 1e-4 max
/// |b|, NaN and infinities in the same places, integers equal. The reference is rounded to the result's dtype first,
/// so that what overflows there overflows here.
func disagreement(_ found: TensorValue, with reference: TensorValue) -> String? {
    guard found.type == reference.type else { return "it is \(found.type) instead of \(reference.type)" }
    let rounded = reference.bytes.withUnsafeBytes { TensorValue(reference.type, bytes: $0) }
    switch (found.elements, rounded.elements) {
    case (.integers(let a), .integers(let b)):
        return a.indices.first { a[$0] != b[$0] }.map { "element \($0) is \(a[$0]) instead of \(b[$0])" }
    case (.floats(let a), .floats(let b)):
        let largest = b.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
        let at = a.indices.first { n in
            let (x, y) = (a[n], b[n])
            if x == y || (x.isNaN && y.isNaN) { return false }
            return !(y.isFinite && abs(x - y) <= 1e-3 * abs(y) + 1e-4 * largest)
        }
        return at.map { "element \($0) is \(a[$0]) instead of \(b[$0])" }
    case (.integers, .floats), (.floats, .integers): preconditionFailure("one type has one kind of elements")
    }
}

/// Starts children that try models.
struct ReduceProbe {
    var seconds: Int
    var seed: UInt64
    var threads: Int
    var catalog: String?

    private static let outputBytesMax = 4 << 20

    /// - Parameter output: where the stage `known` writes to.
    func outcome(_ path: String, _ stage: ReduceStage, bind: [String], output: String? = nil) throws -> ReduceOutcome {
        var arguments = ["reduce-probe", "--quiet", "--stage", stage.rawValue, "--seed", "\(seed)"]
        arguments += ["--threads", "\(threads)"]
        for binding in bind { arguments += ["--bind", binding] }
        if let catalog { arguments += ["--catalog", catalog] }
        if let output { arguments += ["--output", output] }
        var variables = ["LC_ALL=C", "SWIFT_BACKTRACE=enable=no"]
        for name in ["PATH", "HOME", "TMPDIR", "IRONWORKS_CACHE"] {
            if let value = environment(name) { variables.append("\(name)=\(value)") }
        }
        let result = try runTool(
            "/proc/self/exe", arguments + ["--", path], environment: variables, wallMs: seconds * 1000,
            outputBytesMax: ReduceProbe.outputBytesMax)
        return ReduceOutcome(end: result.end, output: result.output)
    }
}
