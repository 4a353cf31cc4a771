// What a job file says and what it leaves to the defaults. The texts of docs/formats/job.md and jobs/quickstart.yaml
// are parsed as they stand in the checkout, so that neither can drift away from the reader.

import Basics
import Glibc
import Testing

@testable import Pipeline

/// The text of a file of the checkout.
private func checkout(_ path: String) throws -> String {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let file = try #require(fopen("/\(root)/\(path)", "r"))
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
    return String(decoding: bytes, as: UTF8.self)
}

@Test func quickstartJobParses() throws {
    let job = try JobFile(parsing: checkout("jobs/quickstart.yaml"), path: "jobs/quickstart.yaml")
    #expect(job.name == "quickstart")
    #expect(job.catalog == nil)
    #expect(job.models.map(\.name) == ["ppocr-cls", "minilm-l3"])
    #expect(job.models[0].bindings == [JobBinding(name: "x", values: [.shape([1, 3, 48, 192])])])
    #expect(
        job.models[1].bindings == [
            JobBinding(name: "batch_size", values: [.extent(1)]),
            JobBinding(name: "sequence_length", values: [.extent(128)]),
        ])
    #expect(job.targets == ["cpu"])
    #expect(job.search.effort == .quick)
    #expect(job.search.candidatesPerWorkload == 6)
    #expect(job.budget == nil)
    #expect(job.farm.workers == 1)
    let models = try job.expandedModels(listFiles: { _ in [] }, home: "/h/ann")
    #expect(models.map(\.path) == ["ppocr-cls", "minilm-l3"].map { "/h/ann/.cache/ironworks/models/\($0).onnx" })
}

@Test func jobOfTheFormatsPageParses() throws {
    let page = try checkout("docs/formats/job.md")
    let parts = page.split(separator: "```", omittingEmptySubsequences: false)
    let yaml = try #require(parts.first { $0.hasPrefix("yaml\nversion:") }).dropFirst(5)
    let job = try JobFile(parsing: String(yaml), path: "jobs/zoo.yaml")
    #expect(job.name == "zoo-night")
    #expect(job.catalog == "zoo.db")
    #expect(try job.catalogPath(home: "") == "jobs/zoo.db")
    #expect(job.defaults == JobFile.Settings())
    #expect(job.models[0].path == "models/*.onnx")
    #expect(job.models[0].exclude == ["models/light_*"])
    #expect(job.models[1].inputSeed == 7)
    #expect(job.models[1].settings.priority == 3)
    #expect(job.search == JobFile.Search(effort: .night, candidates: 20, toolchains: [.clang, .gcc]))
    #expect(job.budget == .until(try #require(JobFile.ClockTime("07:30"))))
    #expect(job.farm == JobFile.Farm(workers: 2, listen: .ipc, cluster: .alone))
}

@Test func leastJobHasTheDefaults() throws {
    let job = try JobFile(parsing: "version: 1\nmodels: [m/a.onnx]\n", path: "jobs/my night.yaml")
    #expect(job.name == "my_night")
    #expect(job.models == [JobFile.Model(path: "m/a.onnx", line: 2)])
    #expect(job.defaults.threads == [1])
    #expect(
        try JobFile(parsing: "version: 1\nmodels: [a.onnx]\ndefaults: {threads: [4]}\n", path: "j.yaml").models[0]
            .settings.threads == [4])
    #expect(job.defaults.precision == .fp32)
    #expect(job.defaults.winograd == .auto)
    #expect(job.defaults.priority == 1)
    #expect(job.defaults.tolerance == JobFile.Tolerance(rtol: 1e-3, atol: 1e-4))
    #expect(job.targets == ["cpu"])
    #expect(job.search == JobFile.Search(effort: .night, candidates: nil, toolchains: [.clang, .gcc]))
    #expect(job.search.candidatesPerWorkload == 10)
    #expect(job.budget == nil)
    #expect(job.farm == JobFile.Farm(workers: 1))
    #expect(job.models[0].inputSeed == 0)
}

@Test func jsonIsAJobToo() throws {
    let text = #"{"version": 1, "name": "j", "models": [{"path": "a.onnx", "bindings": {"n": [1, 8]}}]}"#
    let job = try JobFile(parsing: text, path: "j.json")
    #expect(job.models[0].bindings == [JobBinding(name: "n", values: [.extent(1), .extent(8)])])
}

@Test func modelsTakeWhatTheyDoNotSayFromDefaults() throws {
    let text = """
        version: 1
        defaults: {winograd: never, priority: 2, tolerance: {rtol: 0.01}}
        models:
          - a.onnx
          - {path: b.onnx, priority: 0.5, tolerance: {atol: 1e-6}}
          - {path: c.onnx, winograd: auto}
        """
    let job = try JobFile(parsing: text, path: "j.yaml")
    let settings = job.models.map(\.settings)
    #expect(settings.map(\.priority) == [2, 0.5, 2])
    #expect(settings.map(\.winograd) == [.never, .never, .auto])
    #expect(settings.map(\.tolerance.rtol) == [0.01, 0.01, 0.01])
    // direct convolution agrees ten times as well, unless a tolerance is written
    #expect(settings.map(\.tolerance.atol) == [1e-5, 1e-6, 1e-4])
}

@Test func effortSaysHowManyCandidatesUnlessTheJobDoes() throws {
    for (search, candidates) in [
        ("{effort: quick}", 6), ("{effort: night}", 10), ("{effort: exhaustive}", 30), ("{toolchains: [gcc]}", 10),
        ("{effort: quick, candidates: 20}", 20),
    ] {
        let job = try JobFile(parsing: "version: 1\nmodels: [a.onnx]\nsearch: \(search)\n", path: "j.yaml")
        #expect(job.search.candidatesPerWorkload == candidates)
    }
}

@Test func budgetIsATimeOfDayOrADuration() throws {
    func budget(_ text: String) throws -> JobFile.Budget? {
        try JobFile(parsing: "version: 1\nmodels: [a.onnx]\nbudget: \(text)\n", path: "j.yaml").budget
    }
    // YAML's own rules would make a number of the first
    #expect(try budget("{until: 07:30}") == .until(try #require(JobFile.ClockTime("07:30"))))
    #expect(try budget("{for: 90s}") == .duration(.seconds(90)))
    #expect(try budget("{for: 20m}") == .duration(.seconds(1_200)))
    #expect(try budget("{for: 8h}") == .duration(.seconds(28_800)))
    #expect(try JobFile.Budget(until: "23:59") == budget("{until: '23:59'}"))
    #expect(try JobFile.Budget(duration: "720h") == .duration(.seconds(2_592_000)))
}

@Test(arguments: ["", "s", "8", "8d", "0s", "-1h", "+1h", "1.5h", "1h30m", " 8h", "8 h", "721h", "99999999999s"])
func isNoDuration(_ text: String) {
    #expect(parseDuration(text) == nil)
}

@Test(arguments: ["", "7:30", "07.30", "24:00", "07:60", "07:30:00", "-1:30", "0730", "ab:cd"])
func isNoTimeOfDay(_ text: String) {
    #expect(JobFile.ClockTime(text) == nil)
}

@Test func aliasesStandForWhatTheyName() throws {
    let text = """
        version: 1
        models:
          - {path: a.onnx, bindings: &shape {x: 1x3}}
          - {path: b.onnx, bindings: *shape}
        """
    let job = try JobFile(parsing: text, path: "j.yaml")
    #expect(job.models[0].bindings == job.models[1].bindings)
    #expect(job.models[1].bindings == [JobBinding(name: "x", values: [.shape([1, 3])])])
}

@Test func jobOfTheCommandLineNeedsNoFile() throws {
    let bindings = try JobBinding.list(parsing: ["batch=1,8"])
    let job = JobFile(models: ["m/a.onnx", "b.onnx"], bindings: bindings)
    #expect(job.name == "a")
    let models = try job.expandedModels(listFiles: { _ in [] }, home: "")
    #expect(models.map(\.name) == ["a-batch1", "a-batch8", "b-batch1", "b-batch8"])
    #expect(models.map(\.path) == ["m/a.onnx", "m/a.onnx", "b.onnx", "b.onnx"])
}
