// Paths, globs, excludes and names, against a file system that is a table.

import Testing

@testable import Pipeline

private let files: [String: [String]] = [
    "jobs/models": [
        "resnet.onnx", "light_b.onnx", "bert.onnx", "Zebra.onnx", "light_a.onnx", ".hidden.onnx", "notes.txt",
    ],
    "jobs": ["beside.onnx"],
    ".": ["here.onnx"],
    "/": ["root.onnx"],
    "/data/zoo": ["a b.onnx", "a_b.onnx"],
    "/h/ann/zoo": ["far.onnx"],
]

/// Paths of the models of a job with these entries under `models:`.
private func expand(_ entries: String, path: String = "jobs/zoo.yaml", home: String = "/h/ann") throws -> [JobModel] {
    let job = try JobFile(parsing: "version: 1\nmodels:\n\(entries)\n", path: path)
    return try job.expandedModels(listFiles: { files[$0] ?? [] }, home: home)
}

private func paths(_ entries: String, path: String = "jobs/zoo.yaml") throws -> [String] {
    try expand(entries, path: path).map(\.path)
}

private func sentence(_ entries: String, home: String = "/h/ann") -> String? {
    let error = #expect(throws: JobFileError.self) { try expand(entries, home: home) }
    return error?.sentence
}

@Test func pathsAreRelativeToTheJob() throws {
    #expect(try paths("- a.onnx") == ["jobs/a.onnx"])
    #expect(try paths("- ./m//a.onnx") == ["jobs/m/a.onnx"])
    #expect(try paths("- ../a.onnx") == ["jobs/../a.onnx"])
    #expect(try paths("- a.onnx", path: "zoo.yaml") == ["a.onnx"])
    #expect(try paths("- a.onnx", path: "/srv/zoo.yaml") == ["/srv/a.onnx"])
    #expect(try paths("- /data/a.onnx") == ["/data/a.onnx"])
    #expect(try paths("- ~/a.onnx") == ["/h/ann/a.onnx"])
    #expect(try paths("- ~ann/a.onnx") == ["jobs/~ann/a.onnx"])
}

@Test func globsMatchInOneFolderInOrderOfNames() throws {
    let all = ["Zebra", "bert", "light_a", "light_b", "resnet"].map { "jobs/models/\($0).onnx" }
    #expect(try paths("- models/*.onnx") == all)
    #expect(try expand("- models/*.onnx").map(\.name) == ["Zebra", "bert", "light_a", "light_b", "resnet"])
    #expect(try paths("- models/light_?.onnx") == ["jobs/models/light_a.onnx", "jobs/models/light_b.onnx"])
    #expect(try paths("- models/.h*") == ["jobs/models/.hidden.onnx"])
    #expect(try paths("- '*.onnx'") == ["jobs/beside.onnx"])
    #expect(try paths("- '*.onnx'", path: "zoo.yaml") == ["here.onnx"])
    #expect(try paths("- /*.onnx") == ["/root.onnx"])
    #expect(try paths("- ~/zoo/*") == ["/h/ann/zoo/far.onnx"])
}

@Test func excludesAreTakenAway() throws {
    let kept = ["Zebra", "bert", "resnet"].map { "jobs/models/\($0).onnx" }
    #expect(try paths("- {path: models/*.onnx, exclude: [models/light_*]}") == kept)
    #expect(try paths("- {path: models/*.onnx, exclude: [light_*]}") == kept)
    #expect(try paths("- {path: models/*.onnx, exclude: [other/light_*]}").count == 5)
    #expect(
        try paths("- {path: models/*.onnx, exclude: [light_*, models/Zebra.onnx, '?ert.onnx']}")
            == ["jobs/models/resnet.onnx"])
}

@Test func globLeavesFilesToTheEntriesThatNameThem() throws {
    let models = try expand("- models/*t.onnx\n- {path: ./models/bert.onnx, name: b, bindings: {n: [1, 2]}}")
    #expect(models.map(\.name) == ["resnet", "b-n1", "b-n2"])
}

@Test func globThatFindsNothingIsAnError() {
    #expect(
        sentence("- models/*.pb") == "jobs/zoo.yaml:3: models[0].path 'models/*.pb' matches no file in the folder "
            + "'jobs/models'; correct the path or put the models there")
    #expect(
        sentence("- a.onnx\n- nowhere/*.onnx")
            == "jobs/zoo.yaml:4: models[1].path 'nowhere/*.onnx' matches no file in the folder "
            + "'jobs/nowhere'; correct the path or put the models there")
    #expect(
        sentence("- {path: models/light_*, exclude: [light_*]}")
            == "jobs/zoo.yaml:3: models[0].exclude takes away all 2 matches of 'models/light_*'; exclude fewer")
    #expect(
        sentence("- */a.onnx".replacing("*", with: "m*"))
            == "jobs/zoo.yaml:3: models[0].path 'm*/a.onnx' has a wildcard in a folder; "
            + "'*' and '?' may stand in the file's name only")
}

@Test func namesAreUniqueAndStandForOneFile() throws {
    #expect(
        sentence("- {path: models/light_*, name: light}")
            == "jobs/zoo.yaml:3: models[0].name 'light' would stand for all 2 files that match 'models/light_*'; "
            + "leave it out, or write an entry for each file")
    #expect(try expand("- {path: models/b*, name: one}").map(\.name) == ["one"])
    #expect(
        sentence("- m/a.onnx\n- n/a.onnx")
            == "jobs/zoo.yaml:4: two models are named 'a': 'jobs/n/a.onnx' of models[1] and 'jobs/m/a.onnx' of "
            + "models[0]; give one of them a 'name' of its own")
    #expect(
        sentence("- /data/zoo/*")
            == "jobs/zoo.yaml:3: two models are named 'a_b': '/data/zoo/a_b.onnx' of models[0] and "
            + "'/data/zoo/a b.onnx' of models[0]; give one of them a 'name' of its own")
}

@Test func homeIsNeededOnlyWhereItIsNamed() throws {
    #expect(try expand("- a.onnx", home: "").count == 1)
    #expect(
        sentence("- ~/a.onnx", home: "")
            == "jobs/zoo.yaml:3: models[0].path '~/a.onnx' is in the home folder, and HOME is not set; "
            + "write an absolute path")
    let job = try JobFile(parsing: "version: 1\ncatalog: ~/zoo.db\nmodels: [a.onnx]\n", path: "zoo.yaml")
    #expect(try job.catalogPath(home: "/h/ann") == "/h/ann/zoo.db")
    let error = #expect(throws: JobFileError.self) { try job.catalogPath(home: "") }
    #expect(
        error?.sentence
            == "zoo.yaml: catalog '~/zoo.db' is in the home folder, and HOME is not set; write an absolute path")
}

@Test func orderOfTheListingDoesNotMatter() throws {
    let job = try JobFile(parsing: "version: 1\nmodels: [models/*.onnx]\n", path: "jobs/zoo.yaml")
    let forward = try job.expandedModels(listFiles: { files[$0] ?? [] }, home: "")
    let backward = try job.expandedModels(listFiles: { (files[$0] ?? []).reversed() }, home: "")
    #expect(forward == backward)
}

@Test(arguments: [
    ("*", "abc", true), ("a*c", "abbc", true), ("a*c", "abcd", false), ("a?c", "abc", true), ("a?c", "ac", false),
    ("*a*b", "xaxb", true), ("*a*b", "xbxa", false), ("**", "", true), ("?", "ü", true), ("", "", true),
    ("", "a", false), ("*", ".a", false), (".*", ".a", true), ("[ab]", "a", false), ("[ab]", "[ab]", true),
])
func globIsStarAndQuestionMark(_ pattern: String, _ name: String, _ matches: Bool) {
    #expect(globMatches(pattern, name) == matches)
}

@Test func globTakesNoMoreThanTheProductOfTheLengths() {
    #expect(!globMatches(String(repeating: "a*", count: 100) + "b", String(repeating: "a", count: 1_000)))
}
