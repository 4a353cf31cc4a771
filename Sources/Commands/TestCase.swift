// One ONNX test case: a folder with model.onnx and test_data_set_N folders that hold input_N.pb and output_N.pb, in
// the order of the model's inputs and outputs. Input: a folder. Output: a verdict. Inputs that an operator needs at
// compile time, and empty ones, are bound to their values, which makes them constants; everything else goes through the
// whole pipeline.

import Basics
import Emit
import Glibc
import ONNXImport
import Pipeline
import Runtime
import TensorIR

enum Verdict: Equatable {
    case passed
    case failed(String)
    case skipped(String)
}

struct TestCase {
    let folder: String

    static let modelName = "model.onnx"
    private static let setPrefix = "test_data_set_"

    var name: String { folder.split(separator: "/").last.map(String.init) ?? folder }

    /// The test cases that a path stands for: itself, or the folders in it.
    /// - Throws: `noTestCase`.
    static func all(in path: String) throws(ModelError) -> [TestCase] {
        if TestCase.holdsModel(path) { return [TestCase(folder: path)] }
        let cases = Folder.names(in: path).map { path + "/" + $0 }.filter(TestCase.holdsModel)
        guard !cases.isEmpty else { throw .noTestCase(path: path) }
        return cases.map { TestCase(folder: $0) }
    }

    private static func holdsModel(_ folder: String) -> Bool { access(folder + "/" + modelName, R_OK) == 0 }

    /// Runs every data set; the first disagreement counts.
    func verdict(_ shop: ModelShop, _ bench: ProgramBench) -> Verdict {
        let sets = Folder.names(in: folder).filter { $0.hasPrefix(TestCase.setPrefix) }
        guard !sets.isEmpty else { return .skipped("it has no \(TestCase.setPrefix)0 to compare with") }
        do {
            for set in sets {
                if let reason = try disagreement(folder + "/" + set, shop, bench) {
                    return .failed(sets.count == 1 ? reason : "\(set): \(reason)")
                }
            }
            return .passed
        } catch let error as any Explained {
            return .failed(error.sentence)
        } catch {
            return .failed("\(error)")
        }
    }

    /// Why the outputs are not the expected ones; `nil` when they are.
    private func disagreement(_ set: String, _ shop: ModelShop, _ bench: ProgramBench) throws -> String? {
        let inputs = try tensors(set, "input")
        let expected = try tensors(set, "output")
        let (model, given) = try loaded(inputs)
        let description = model.description
        let program = try shop.built(try shop.first(model), model)
        let results = description.results(try bench.run(program, try matched(given, to: description)))
        guard expected.count == results.count else {
            return "the model has \(results.count) outputs and the data set \(expected.count)"
        }
        for (found, expected) in zip(results, expected) {
            if let reason = mismatch(found, expected) { return "output \(escaped(found.name)): \(reason)" }
        }
        return nil
    }

    /// `SIDE_N.pb` in order of N, up to the first that is not there.
    private func tensors(_ set: String, _ side: String) throws -> [NamedTensor] {
        var out: [NamedTensor] = []
        while case let path = "\(set)/\(side)_\(out.count).pb", access(path, F_OK) == 0 {
            out.append(try TensorFiles.readTensor(path))
        }
        return out
    }

    /// The model with its shapes bound to those of the inputs, and the inputs that are left.
    private func loaded(_ tensors: [NamedTensor]) throws -> (model: LoadedModel, inputs: [NamedTensor]) {
        let path = folder + "/" + TestCase.modelName
        let names = try ModelFile(path: path).inputNames
        guard tensors.count <= names.count else {
            throw InputError.unknown(model: name, name: "number \(names.count)", known: names)
        }
        let inputs = zip(names, tensors).map { NamedTensor(name: $0, type: $1.type, bytes: $1.bytes) }
        var refusal: ImportError?
        for known in CompileTime.allCases {
            var bindings = Bindings()
            for input in inputs {
                bindings.shapes[input.name] = input.type.shape
                if input.type.elements == 0 || known.binds(input.type) { bindings.values[input.name] = input.value }
            }
            do {
                let model = try LoadedModel(path: path, name: name, bindings: bindings)
                return (model, inputs.filter { bindings.values[$0.name] == nil })
            } catch let error as ImportError {
                guard case .node(_, _, .needsConstant) = error else { throw error }
                refusal = error
            }
        }
        guard let refusal else { preconditionFailure("every attempt returned or was refused") }
        throw refusal
    }
}

/// Which inputs are known at compile time; tried in this order while an operator asks for more.
private enum CompileTime: CaseIterable {
    case none
    /// Shapes, axes, indices.
    case integers
    /// Also scales and bounds.
    case shortVectors

    private static let elementsMax = 16

    func binds(_ type: TensorType) -> Bool {
        switch self {
        case .none: false
        case .integers: type.dtype.isExact
        case .shortVectors: type.dtype.isExact || (type.rank <= 1 && type.elements <= CompileTime.elementsMax)
        }
    }
}

extension NamedTensor {
    var value: TensorValue { bytes.withUnsafeBytes { TensorValue(type, bytes: $0) } }
}

/// Why `found` is not `expected` by the rule of the ONNX test suite, |a - b| <= 1e-7 + 1e-3 * |b|, with NaN and
/// infinities in the same places; `nil` when it is. Of bfloat16 the suite asks for 2^-6, two units in the last place
/// (`assert_similar_outputs`).
func mismatch(_ found: NamedTensor, _ expected: NamedTensor) -> String? {
    guard found.type == expected.type else {
        return "it is \(typeText(found.type)) instead of \(typeText(expected.type))"
    }
    let relative = expected.type.dtype == .bf16 ? 0x1p-6 : 1e-3
    func fits(_ a: Double, _ b: Double) -> Bool {
        if a == b || (a.isNaN && b.isNaN) { return true }
        return b.isFinite && abs(a - b) <= 1e-7 + relative * abs(b)
    }
    switch (found.value.elements, expected.value.elements) {
    case (.floats(let a), .floats(let b)):
        guard let at = a.indices.first(where: { !fits(a[$0], b[$0]) }) else { return nil }
        return "element \(at) is \(a[at]) instead of \(b[at])"
    case (.integers(let a), .integers(let b)):
        guard let at = a.indices.first(where: { a[$0] != b[$0] && !fits(Double(a[$0]), Double(b[$0])) }) else {
            return nil
        }
        return "element \(at) is \(a[at]) instead of \(b[at])"
    case (.floats, .integers), (.integers, .floats): preconditionFailure("one type has one kind of elements")
    }
}
