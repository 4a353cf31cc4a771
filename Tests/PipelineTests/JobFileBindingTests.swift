// Bindings with variants: the option --bind, the cross product and the names that come of it.

import ONNXImport
import Testing

@testable import Pipeline

@Test func bindOptionIsAnExtentSeveralOrAShape() throws {
    #expect(try JobBinding(parsing: "batch=8") == JobBinding(name: "batch", values: [.extent(8)]))
    #expect(try JobBinding(parsing: "batch=1,8") == JobBinding(name: "batch", values: [.extent(1), .extent(8)]))
    #expect(try JobBinding(parsing: "x=1x3x48x192") == JobBinding(name: "x", values: [.shape([1, 3, 48, 192])]))
    #expect(try JobBinding(parsing: "x=1x3,8x3").values == [.shape([1, 3]), .shape([8, 3])])
    #expect(try JobBinding(parsing: "a=b=2147483647").name == "a=b")
}

@Test(arguments: [
    "", "batch", "=1", "batch=", "batch=0", "batch=1,", "batch=x", "batch=-1", "batch=1 ", "n=2147483648",
])
func bindOptionThatIsNoneSaysWhatToWrite(_ text: String) {
    let error = #expect(throws: JobFileError.self) { try JobBinding(parsing: text) }
    #expect(
        error?.sentence == "--bind '\(text)' is not a binding; write NAME=N, several extents as NAME=N,N, or a whole "
            + "shape as NAME=1x3x48x192, with extents from 1 to 2147483647")
}

@Test func nothingIsBoundTwice() {
    let values = #expect(throws: JobFileError.self) { try JobBinding(parsing: "batch=1,8,1") }
    #expect(values?.sentence == "--bind batch has '1' twice; keep one")
    let names = #expect(throws: JobFileError.self) { try JobBinding.list(parsing: ["n=1", "m=2", "n=8"]) }
    #expect(names?.sentence == "--bind has 'n' twice; keep one")
    let text = "version: 1\nmodels:\n  - {path: a.onnx, bindings: {n: [4, 4]}}\n"
    let job = #expect(throws: JobFileError.self) { try JobFile(parsing: text, path: "j.yaml") }
    #expect(job?.sentence == "j.yaml:3: models[0].bindings.n has '4' twice; keep one")
}

@Test func severalValuesAreTheCrossProduct() throws {
    let text = """
        version: 1
        models:
          - path: m/minilm.onnx
            name: minilm-l3
            bindings: {batch: [1, 8], sequence: 128, "in/x": [2x3, 4]}
            inputs: {seed: 7}
            priority: 3
        """
    let job = try JobFile(parsing: text, path: "zoo.yaml")
    let models = try job.expandedModels(listFiles: { _ in [] }, home: "")
    #expect(
        models.map(\.name) == [
            "minilm-l3-batch1-in_x2x3", "minilm-l3-batch1-in_x4", "minilm-l3-batch8-in_x2x3",
            "minilm-l3-batch8-in_x4",
        ])
    #expect(
        models.map(\.bindings) == [
            Bindings(symbols: ["batch": 1, "sequence": 128], shapes: ["in/x": [2, 3]]),
            Bindings(symbols: ["batch": 1, "sequence": 128, "in/x": 4]),
            Bindings(symbols: ["batch": 8, "sequence": 128], shapes: ["in/x": [2, 3]]),
            Bindings(symbols: ["batch": 8, "sequence": 128, "in/x": 4]),
        ])
    #expect(models.allSatisfy { $0.path == "m/minilm.onnx" && $0.inputSeed == 7 && $0.settings.priority == 3 })
}

@Test func oneValueInAListChangesNoName() throws {
    let text = "version: 1\nmodels: [{path: a.onnx, bindings: {n: [4]}}]\n"
    let models = try JobFile(parsing: text, path: "j.yaml").expandedModels(listFiles: { _ in [] }, home: "")
    #expect(models.map(\.name) == ["a"])
    #expect(models[0].bindings == Bindings(symbols: ["n": 4]))
}

@Test func crossProductHasALimit() throws {
    let many = (1...17).map(String.init).joined(separator: ",")
    let job = JobFile(models: ["a.onnx"], bindings: try JobBinding.list(parsing: ["n=\(many)", "m=\(many)"]))
    let product = #expect(throws: JobFileError.self) { try job.expandedModels(listFiles: { _ in [] }, home: "") }
    #expect(
        product?.sentence == "models[0].bindings makes 289 variants of a model, and 256 is the limit; split the job")
    let tooMany = (1...257).map(String.init).joined(separator: ",")
    let values = #expect(throws: JobFileError.self) { try JobBinding(parsing: "n=\(tooMany)") }
    #expect(values?.sentence == "--bind n makes 257 values, and 256 is the limit; split the job")
}
