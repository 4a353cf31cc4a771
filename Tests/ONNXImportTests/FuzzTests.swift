// The importer on models that nobody would write: the fuzzer's kept corpus and changed forms of it, in this process.
// `make fuzz` does the same for an hour, in children under limits.

import Basics
import Glibc
import ImportFuzzing
import Testing

@testable import ONNXImport

private let corpus = #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined() + "/Fuzz/corpus"

private func corpusFiles() throws -> [String] {
    guard let folder = opendir(corpus) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name.hasSuffix(".onnx") { names.append(name) }
    }
    return names.sorted()
}

private func outcome(_ bytes: [UInt8]) -> FuzzOutcome {
    importOutcome { () throws(ImportError) in try ModelFile(bytes: bytes, name: "case.onnx") }
}

private func read(_ name: String) throws -> [UInt8] {
    let file = try MappedFile(path: corpus + "/" + name)
    return withExtendedLifetime(file) { Array(file.bytes) }
}

@Suite struct FuzzTests {
    @Test func theCorpusIsImportedOrRefused() throws {
        let names = try corpusFiles()
        #expect(names.count > 200)
        var imported = 0
        for name in names {
            let found = outcome(try read(name))
            if case .broken(let reason) = found { Issue.record("\(name): \(reason)") }
            if found == .imported { imported += 1 }
        }
        #expect(imported > names.count / 2)
    }

    @Test func changedModelsAreImportedOrRefused() throws {
        let names = try corpusFiles()
        var refusals: Set<FuzzOutcome> = []
        for n in 0..<500 {
            let name = names[n * 7 % names.count]
            let found = outcome(fuzzCase(try read(name), seed: UInt64(n + 1), mutator: .structure))
            if case .broken(let reason) = found { Issue.record("\(name), seed \(n + 1): \(reason)") }
            refusals.insert(found)
        }
        #expect(refusals.count > 20)
    }

    @Test func theSameSeedMakesTheSameCase() throws {
        let bytes = try read(try #require(try corpusFiles().first))
        #expect(fuzzCase(bytes, seed: 9) == fuzzCase(bytes, seed: 9))
        #expect(fuzzCase(bytes, seed: 9) != fuzzCase(bytes, seed: 10))
    }
}
