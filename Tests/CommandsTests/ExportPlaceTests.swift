// Where `export` writes: names of libraries, folders that may be used, and that a new bundle replaces what the old one
// owned and nothing else.

import Basics
import Export
import Glibc
import Runtime
import Testing

@testable import Commands

private func sentence(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "no error"
    } catch { return (error as? any Explained)?.sentence ?? "another error: \(error)" }
}

private func manifest(_ name: String, _ files: [String]) -> String {
    let lines = files.map { "    {\n      \"path\": \"\($0)\",\n      \"bytes\": 1\n    }" }
    return "{\n  \"schema\": \"ironworks.bundle/1\",\n  \"name\": \"\(name)\",\n  \"files\": [\n"
        + lines.joined(separator: ",\n") + "\n  ]\n}\n"
}

private func write(_ text: String, _ path: String) throws {
    if let slash = path.lastIndex(of: "/") { try Folder.make(String(path[..<slash])) }
    try Folder.write(Array(text.utf8), to: path)
}

@Test func oneModelIsTheFolderAndSeveralLieInIt() throws {
    #expect(try exportTargets(["MiniLM-L3"], name: nil, out: "b") == [ExportTarget(name: "minilm_l3", path: "b")])
    #expect(try exportTargets(["x"], name: "mine", out: "b") == [ExportTarget(name: "mine", path: "b")])
    #expect(
        try exportTargets(["a", "9-b"], name: nil, out: "b/c")
            == [ExportTarget(name: "a", path: "b/c/a"), ExportTarget(name: "m_9_b", path: "b/c/m_9_b")])
    #expect(ExportTarget.parent(of: "bundle") == ".")
    #expect(ExportTarget.parent(of: "/bundle/") == "/")
    #expect(ExportTarget.parent(of: "a/b") == "a")
}

@Test func namesThatCannotBeUsedAreRefused() {
    #expect(
        sentence { _ = try exportTargets(["a", "b"], name: "n", out: "o") }
            == "--name n cannot name 2 models; export them one by one, or leave it out")
    #expect(
        sentence { _ = try exportTargets(["x-1", "x_1"], name: nil, out: "o") }
            == "x-1 and x_1 would both be exported as x_1; export them one by one with --name")
    #expect(
        sentence { _ = try exportTargets(["a"], name: "No Good", out: "o") }
            == "'No Good' cannot name a library; use a lower-case letter, then letters, digits and '_', at most 63 "
            + "in all")
    #expect(sentence { _ = try exportTargets(["a"], name: "malloc", out: "o") }.contains("already means something"))
    #expect(sentence { _ = try exportTargets(["___"], name: nil, out: "o") }.contains("choose one with --name"))
}

@Test func manifestsAreRecognisedByTheirSchema() {
    #expect(
        BundleManifest(manifest("small", ["src/a.c", "weights.bin"]))
            == .bundle(files: ["bin/small_selftest", "lib/libsmall.a", "lib/libsmall.so", "src/a.c", "weights.bin"]))
    #expect(BundleManifest("") == .notBundle)
    #expect(BundleManifest("{\n  \"name\": \"an extension\",\n  \"manifest_version\": 3\n}\n") == .notBundle)
    #expect(BundleManifest(manifest("small", [])) == .damaged)
    #expect(BundleManifest(manifest("Not A Name", ["a"])) == .damaged)
    for path in ["../x", "/etc/passwd", "a//b", "a/./b", "", "a b"] {
        #expect(BundleManifest(manifest("small", ["ok", path])) == .damaged)
    }
}

@Test func aFolderIsUsedWhenItIsNewOrEmptyOrABundle() throws {
    let root = try Folder.makeTemporary(in: "/tmp")
    defer { Folder.removeTree(root) }
    #expect(try ExportFolder(root + "/new").stale.isEmpty)
    #expect(try ExportFolder(root).stale.isEmpty)
    try write("x", root + "/file")
    #expect(sentence { _ = try ExportFolder(root + "/file") } == "\(root)/file is no folder; choose another --out")
    let full = "\(root) is not empty and holds no bundle; choose another --out, or empty it"
    #expect(sentence { _ = try ExportFolder(root) } == full)
    try write("{\n  \"manifest_version\": 3\n}\n", root + "/manifest.json")
    #expect(sentence { _ = try ExportFolder(root) } == full)
    try write(manifest("small", ["../../x"]), root + "/manifest.json")
    #expect(
        sentence { _ = try ExportFolder(root) }
            == "\(root) holds a bundle whose manifest.json was changed by hand; choose another --out, or remove it")
}

@Test func aNewBundleReplacesWhatTheOldOneOwned() throws {
    let root = try Folder.makeTemporary(in: "/tmp")
    defer { Folder.removeTree(root) }
    let place = root + "/bundle"
    for file in ["src/kernels/k0.c", "src/kernels/k1.c", "weights.bin", "lib/libformer.so"] {
        try write("old", place + "/" + file)
    }
    try write("mine", place + "/notes.txt")
    try write(manifest("former", ["src/kernels/k0.c", "src/kernels/k1.c", "weights.bin"]), place + "/manifest.json")
    let source = root + "/work"
    for file in ["src/k0.c", "weights.bin", "lib/liblatter.so"] { try write("new", source + "/" + file) }
    try write(manifest("latter", ["src/k0.c", "weights.bin"]), source + "/manifest.json")
    try ExportFolder(place).install(source)
    #expect(Folder.names(in: place) == ["lib", "manifest.json", "notes.txt", "src", "weights.bin"])
    #expect(Folder.names(in: place + "/lib") == ["liblatter.so"])
    #expect(Folder.names(in: place + "/src") == ["k0.c"])
    #expect(try Folder.read(place + "/weights.bin") == Array("new".utf8))
    #expect(try Folder.read(place + "/notes.txt") == Array("mine".utf8))
    #expect(access(source, F_OK) != 0)
    #expect(try ExportFolder(place).stale.contains("src/k0.c"))
}
