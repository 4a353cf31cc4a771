// Every sentence that a job file can cause, as literal text: what a person reads is part of the interface.
// Input: the text after `version: 1` and, where the error is elsewhere, a model.

import Testing

@testable import Pipeline

/// The sentence for a whole text; empty when it parses.
private func sentence(_ text: String) -> String {
    do {
        _ = try JobFile(parsing: text, path: "jobs/zoo.yaml")
        return ""
    } catch {
        return error.sentence
    }
}

/// The sentence for a key beside a model; it stands on line 3.
private func keySentence(_ key: String) -> String { sentence("version: 1\nmodels: [a.onnx]\n\(key)\n") }

/// The sentence for a key of a model; it stands on line 4.
private func modelSentence(_ key: String) -> String {
    sentence("version: 1\nmodels:\n  - path: a.onnx\n    \(key)\n")
}

@Test func unknownKeyNamesLinePlaceAndNearestKey() {
    let text = """
        version: 1
        name: zoo
        targets: [cpu]

        models:
          - path: a.onnx
            bindngs: {batch: 1}
        """
    #expect(sentence(text) == "jobs/zoo.yaml:7: unknown key 'bindngs' in models[0]; did you mean 'bindings'?")
    #expect(keySentence("modles: []") == "jobs/zoo.yaml:3: unknown key 'modles'; did you mean 'models'?")
    #expect(
        keySentence("farm: {worker: 2}") == "jobs/zoo.yaml:3: unknown key 'worker' in farm; did you mean 'workers'?")
    #expect(
        modelSentence("tolerance: {rotl: 1}")
            == "jobs/zoo.yaml:4: unknown key 'rotl' in models[0].tolerance; did you mean 'rtol'?")
    #expect(
        keySentence("budget: {minutes: 20}")
            == "jobs/zoo.yaml:3: unknown key 'minutes' in budget; the keys are until, for")
    #expect(
        keySentence("defaults: {<<: {a: 1}}")
            == "jobs/zoo.yaml:3: unknown key '<<' in defaults; "
            + "the keys are threads, precision, winograd, priority, tolerance")
}

@Test func nearestKeyAllowsAThirdOfTheLetters() {
    #expect(nearestKey(to: "Models", among: JobKeys.file) == "models")
    #expect(nearestKey(to: "toolchain", among: JobKeys.search) == "toolchains")
    #expect(nearestKey(to: "prioriyt", among: JobKeys.model) == "priority")
    #expect(nearestKey(to: "candidate_count", among: JobKeys.search) == nil)
    #expect(nearestKey(to: "effort", among: JobKeys.file) == nil)
    #expect(nearestKey(to: "", among: JobKeys.file) == nil)
    #expect(editDistance(Array("kitten"), Array("sitting")) == 3)
    #expect(editDistance(Array("ab"), Array("ba")) == 1)
    #expect(editDistance(Array(""), Array("abc")) == 3)
}

@Test func notYAMLNamesThePosition() {
    #expect(
        sentence("version: 1\nmodels:\n  - path: x\n   name: y\n")
            == "jobs/zoo.yaml:4:4: not YAML: did not find expected '-' indicator "
            + "while parsing a block collection from line 3 on")
    #expect(
        sentence("version: 1\nmodels:\n\t- a.onnx\n")
            == "jobs/zoo.yaml:3:1: not YAML: found character that cannot start any token "
            + "while scanning for the next token from line 3 on; indent with spaces, not with tabs")
    #expect(
        sentence("version: 1\nmodels: [*.onnx]\n")
            == "jobs/zoo.yaml:2:11: not YAML: did not find expected alphabetic or numeric character "
            + "while scanning an alias from line 2 on; put a text that starts with '*' in quotes")
    #expect(
        sentence("version: 1\nmodels: [*zoo]\n")
            == "jobs/zoo.yaml:2:10: not YAML: found undefined alias; put a text that starts with '*' in quotes")
    #expect(
        sentence("version: 1\nname: \u{1}\n")
            == "jobs/zoo.yaml:2:7: not YAML: control characters are not allowed")
    #expect(
        sentence("version: 1\n---\nmodels: [a]\n")
            == "jobs/zoo.yaml:2:1: not YAML: but found another document")
    #expect(
        sentence("version: 1\nname: a\nname: b\n")
            == "jobs/zoo.yaml:2: the key 'name' stands more than once in one mapping; keep one")
}

@Test func wholeFileIsNoJob() {
    let empty = "jobs/zoo.yaml is empty; a job needs at least 'version: 1' and 'models'"
    #expect(sentence("") == empty)
    #expect(sentence("# nothing\n") == empty)
    #expect(sentence("---\n") == empty)
    #expect(
        sentence("- a.onnx\n")
            == "jobs/zoo.yaml:1: a job must be a mapping with the keys version, name, catalog, defaults, models, "
            + "targets, search, budget, farm, report, not a list")
    #expect(
        sentence("ONNX")
            == "jobs/zoo.yaml:1: a job must be a mapping with the keys version, name, catalog, defaults, models, "
            + "targets, search, budget, farm, report, not 'ONNX'")
    #expect(
        sentence("#" + String(repeating: "x", count: 1 << 20))
            == "jobs/zoo.yaml has 1048577 bytes, and a job file has at most 1048576; split the job")
    #expect(sentence(String(repeating: "[", count: 100_000)).hasPrefix("jobs/zoo.yaml:1:1: not YAML: Maximum nesting"))
}

@Test func versionComesFirst() {
    #expect(
        sentence("new_key: 1\nversion: 2\nmodels: []\n")
            == "jobs/zoo.yaml:2: version '2' is not supported; this program reads version 1")
    #expect(
        sentence("models: [a.onnx]\n")
            == "jobs/zoo.yaml:1: the job has no key 'version'; write 'version: 1' at the top")
    #expect(sentence("version:\n") == "jobs/zoo.yaml:1: version has no value; it must be '1'")
}

@Test func modelsAreRequired() {
    #expect(
        sentence("version: 1\n")
            == "jobs/zoo.yaml:1: the job has no key 'models'; list at least one ONNX file under it")
    #expect(sentence("version: 1\nmodels: []\n") == "jobs/zoo.yaml:2: models is empty; name at least one ONNX file")
    #expect(sentence("version: 1\nmodels:\n") == "jobs/zoo.yaml:2: models is empty; name at least one ONNX file")
    #expect(
        sentence("version: 1\nmodels: a.onnx\n")
            == "jobs/zoo.yaml:2: models must be a list of models, not 'a.onnx'")
    #expect(
        sentence("version: 1\nmodels:\n  - name: a\n")
            == "jobs/zoo.yaml:3: models[0] has no key 'path'; name an ONNX file or a glob such as models/*.onnx")
    #expect(
        sentence("version: 1\nmodels:\n  - a.onnx\n  - [b.onnx]\n")
            == "jobs/zoo.yaml:4: models[1] must be a path or a mapping with the key 'path', not a list")
}

@Test(arguments: [
    ("priority: high", "priority must be a number above 0 and up to 1000000, not 'high'"),
    ("priority: 0", "priority must be a number above 0 and up to 1000000, not '0'"),
    ("priority: .inf", "priority must be a number above 0 and up to 1000000, not '.inf'"),
    ("priority: nan", "priority must be a number above 0 and up to 1000000, not 'nan'"),
    ("priority: '3'", "priority must be a number above 0 and up to 1000000, not '3'"),
    ("tolerance: {rtol: 2}", "tolerance.rtol must be a number from 0 to 1, not '2'"),
    ("tolerance: {atol: -1e-4}", "tolerance.atol must be a number from 0 to 1, not '-1e-4'"),
    ("tolerance: 0.1", "tolerance must be a mapping with the keys rtol, atol, not '0.1'"),
    ("threads: 1", "threads must be a list of lane counts, not '1'"),
    ("threads: []", "threads must be a list of lane counts, not an empty list"),
    ("threads: [0]", "threads[0] must be an integer from 1 to 1024, not '0'"),
    ("threads: [1, 1]", "threads has '1' twice; keep one"),
    ("winograd: always", "winograd must be one of auto, never, not 'always'"),
    ("name: a b", "name must be a name of 1 to 100 letters, digits, '-', '_' and '.', not 'a b'"),
    ("name:", "name has no value; it must be a name of 1 to 100 letters, digits, '-', '_' and '.'"),
    ("exclude: x", "exclude must be a list of globs, not 'x'"),
    ("inputs: {seed: -1}", "inputs.seed must be an integer of at least 0, not '-1'"),
    ("inputs: 7", "inputs must be a mapping with the keys seed, file, not '7'"),
    ("bindings: 1x3", "bindings must be a mapping of names to extents, not '1x3'"),
    ("name: !!binary aGk=", "name has the tag 'tag:yaml.org,2002:binary', and job files use none; leave it out"),
])
func valuesOfAModelAreChecked(_ key: String, _ problem: String) {
    #expect(modelSentence(key) == "jobs/zoo.yaml:4: models[0].\(problem)")
}

@Test(arguments: [
    "0", "-1", "2147483648", "1x0", "1x", "x", "batch", "1.5", "1X3", "99999999999999999999",
])
func extentsOfAJobAreChecked(_ text: String) {
    #expect(
        modelSentence("bindings: {n: \(text)}")
            == "jobs/zoo.yaml:4: models[0].bindings.n must be an extent from 1 to 2147483647, "
            + "a shape such as 1x3x48x192, or a list of them, not '\(text)'")
}

@Test(arguments: [
    ("bindings: {n: [1, []]}", "n[1] must be", ", not an empty list"),
    ("bindings: {n: [1, [2]]}", "n[1] must be", ", not a list"),
    ("bindings: {n: []}", "n must be", ", not an empty list"),
    ("bindings: {n: {a: 1}}", "n must be", ", not a mapping"),
    ("bindings: {n: }", "n has no value; it must be", ""),
])
func formsOfBindingsAreChecked(_ key: String, _ start: String, _ end: String) {
    #expect(
        modelSentence(key)
            == "jobs/zoo.yaml:4: models[0].bindings.\(start) an extent from 1 to 2147483647, "
            + "a shape such as 1x3x48x192, or a list of them\(end)")
}

@Test(arguments: [
    ("name: ä", "name must be a name of 1 to 100 letters, digits, '-', '_' and '.', not 'ä'"),
    ("catalog: [a]", "catalog must be a path, not a list"),
    (
        "defaults:",
        "defaults has no value; it must be a mapping with the keys threads, precision, winograd, "
            + "priority, tolerance"
    ),
    ("targets: cpu", "targets must be a list of device names, not 'cpu'"),
    ("targets: []", "targets must be a list of device names, not an empty list"),
    ("targets: [cpu, cpu]", "targets has 'cpu' twice; keep one"),
    ("search: {effort: fast}", "search.effort must be one of quick, night, exhaustive, not 'fast'"),
    ("search: {candidates: 0}", "search.candidates must be an integer from 1 to 1000, not '0'"),
    ("search: {candidates: 2.5}", "search.candidates must be an integer from 1 to 1000, not '2.5'"),
    ("search: {toolchains: [icc]}", "search.toolchains[0] must be one of clang, gcc, not 'icc'"),
    ("search: {toolchains: [gcc, gcc]}", "search.toolchains has 'gcc' twice; keep one"),
    ("search: quick", "search must be a mapping with the keys effort, candidates, toolchains, not 'quick'"),
    (
        "budget: {until: '25:00'}",
        "budget.until must be a time of day from 00:00 to 23:59, such as \"07:30\", not '25:00'"
    ),
    ("budget: {for: 20 min}", "budget.for must be a duration of 1s to 720h, such as 90s, 20m or 8h, not '20 min'"),
    ("budget: {until: '07:30', for: 8h}", "budget has both 'until' and 'for'; keep one of them"),
    ("budget: {}", "budget has neither 'until' nor 'for'; write {until: \"07:30\"} or {for: 8h}"),
    ("farm: {workers: 0}", "farm.workers must be an integer from 1 to 256, not '0'"),
    ("farm: {workers: yes}", "farm.workers must be an integer from 1 to 256, not 'yes'"),
    ("farm: {[a]: 1}", "a key in farm is no text; write it as a word"),
])
func valuesOfTheJobAreChecked(_ key: String, _ problem: String) {
    #expect(keySentence(key) == "jobs/zoo.yaml:3: \(problem)")
}

@Test(arguments: [
    (
        "targets: [cpu, 'cuda:0']",
        "targets[1]: 'cuda:0' is not available in this version, which tunes for 'cpu' only; "
            + "write 'targets: [cpu]' or leave the key out"
    ),
    (
        "defaults: {threads: [1, 2]}",
        "defaults.threads[1]: '2' is not available in this version, which tunes a model for one number of lanes; "
            + "keep one, and write another job for the other"
    ),
    (
        "defaults: {precision: bf16}",
        "defaults.precision: 'bf16' is not available in this version, which computes in fp32 only; "
            + "write 'precision: fp32' or leave the key out"
    ),
    (
        "farm: {listen: 'tcp://0.0.0.0:7070'}",
        "farm.listen: 'tcp://0.0.0.0:7070' is not available in this version, whose workers all run on this machine; "
            + "write 'listen: ipc' or leave the key out"
    ),
    (
        "farm: {cluster: slurm}",
        "farm.cluster: 'slurm' is not available in this version, which starts its workers itself; "
            + "write 'cluster: none' or leave the key out"
    ),
    (
        "report: zoo.html",
        "report: 'zoo.html' is not available in this version, which writes no page; leave the key out"
    ),
])
func whatThisVersionCannotDoIsRefused(_ key: String, _ problem: String) {
    #expect(keySentence(key) == "jobs/zoo.yaml:3: \(problem)")
}

@Test func inputsFromAFileAreRefused() {
    #expect(
        modelSentence("inputs: {file: in.npz}")
            == "jobs/zoo.yaml:4: models[0].inputs.file: 'in.npz' is not available in this version, "
            + "which makes its inputs from a seed; write 'inputs: {seed: 0}' or leave the key out")
}

@Test func textsOfTheFileAreEscaped() {
    #expect(
        keySentence("\"a\\e[31m\\n\": 1").hasPrefix(#"jobs/zoo.yaml:3: unknown key 'a\u{1b}[31m\n'; the keys are"#))
}

@Test func optionsOfTheCommandLineHaveSentencesToo() {
    #expect(
        throws: JobFileError.value(
            JobPlace(path: nil, line: 0, key: "--until"), expected: .clockTime, found: .text("7.30"))
    ) { try JobFile.Budget(until: "7.30") }
    let until = JobFileError.value(.option("--until"), expected: .clockTime, found: .text("7.30"))
    #expect(until.sentence == "--until must be a time of day from 00:00 to 23:59, such as \"07:30\", not '7.30'")
    let budget = #expect(throws: JobFileError.self) { try JobFile.Budget(duration: "8 hours") }
    #expect(
        budget?.sentence == "--budget must be a duration of 1s to 720h, such as 90s, 20m or 8h, not '8 hours'")
}
