// The listing of operators: docs/operators.md is what it prints, it covers every operator of the tables, its versions
// fit the definitions that ONNX gave the operators, and a name that is none is answered with those that look like it.

import Glibc
import Testing

@testable import ONNXImport

private let command = "'.build/release/ironworks operators --markdown > docs/operators.md'"

/// The lines of a file of the checkout; `nil` when it cannot be opened.
private func checkout(_ path: String) -> String? {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    guard let file = fopen("/\(root)/\(path)", "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
    return String(decoding: bytes, as: UTF8.self)
}

private func name(_ entry: OperatorEntry) -> Comment { "\(entry.name) of \(entry.domain.rawValue)" }

@Test func pageOfOperatorsIsWhatTheTablesSay() throws {
    let page = operatorPage(operatorListing())
    let kept = try #require(checkout("docs/operators.md"), "docs/operators.md is missing; run \(command)")
    if Array(kept.utf8) != Array(page.utf8) {
        let lines = (
            kept: kept.split(separator: "\n", omittingEmptySubsequences: false),
            page: page.split(separator: "\n", omittingEmptySubsequences: false)
        )
        let same = zip(lines.kept, lines.page).prefix { $0 == $1 }.count
        let (old, new) = (lines.kept.dropFirst(same).first ?? "", lines.page.dropFirst(same).first ?? "")
        Issue.record("line \(same + 1) of docs/operators.md is '\(old)' and should be '\(new)'; run \(command)")
    }
    #expect(page.hasSuffix(" |\n"))
}

@Test func everyOperatorOfTheTablesIsListed() {
    let known = Dictionary(grouping: operatorListing(), by: \.domain).mapValues { Set($0.map(\.name)) }
    let missing = Set(supportedOperators).subtracting(known[.onnx] ?? [])
    #expect(missing.isEmpty, "these are imported and stand in no group of OperatorNames.swift: \(missing.sorted())")
    let microsoft = Set(microsoftTable.keys).union(microsoftQuantisationTable.keys)
    let unlisted = microsoft.subtracting(known[.microsoft] ?? [])
    #expect(unlisted.isEmpty, "these are imported and stand in no group of MicrosoftNames.swift: \(unlisted.sorted())")
    let imported = operatorListing().filter(\.isImported)
    #expect(Set(imported.filter { $0.domain == .microsoft }.map(\.name)) == microsoft)
    let own = Set(imported.filter { $0.domain == .onnx }.map(\.name))
    #expect(own.isSuperset(of: supportedOperators) && own.isSuperset(of: ["If", "Loop", "Scan"]))
}

@Test func namesAreSortedAndDifferent() {
    for (domain, entries) in Dictionary(grouping: operatorListing(), by: \.domain) {
        let names = entries.map(\.name)
        #expect(Set(names).count == names.count, "\(domain.rawValue) lists a name twice")
        #expect(zip(names, names.dropFirst()).allSatisfy { $0.lowercased() < $1.lowercased() })
        #expect(names.allSatisfy { $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } })
        for withdrawn in domain.withdrawnSince.keys { #expect(names.contains(withdrawn)) }
    }
    let domains = operatorListing().map(\.domain)
    #expect(domains == OperatorDomain.allCases.flatMap { domain in domains.filter { $0 == domain } })
}

@Test func definitionsFollowOneAnother() {
    for group in OperatorDomain.allCases.flatMap(\.groups) {
        for (name, definitions) in group.operators {
            #expect(!definitions.isEmpty && definitions == Set(definitions).sorted(), "\(name)")
        }
    }
    for entry in operatorListing() {
        #expect(!entry.definitions.isEmpty, name(entry))
        for definition in entry.definitions {
            #expect(definition.since <= definition.versions.lowerBound, name(entry))
            #expect(entry.domain.versions.clamped(to: definition.versions) == definition.versions, name(entry))
        }
        for (earlier, later) in zip(entry.definitions, entry.definitions.dropFirst()) {
            #expect(earlier.versions.upperBound + 1 == later.versions.lowerBound, name(entry))
        }
    }
}

@Test func versionsAreThoseOfWholeDefinitions() {
    for entry in operatorListing() where entry.isImported {
        for (earlier, later) in zip(entry.versions, entry.versions.dropFirst()) {
            #expect(earlier.upperBound + 1 < later.lowerBound, name(entry))
        }
        let imported = Set(entry.versions.flatMap { Array($0) })
        let defined = Set(entry.definitions.flatMap { Array($0.versions) })
        for definition in entry.definitions {
            let some = definition.versions.contains(where: imported.contains)
            #expect(some == definition.isImported, "\(entry.name) of version \(definition.since) is imported in part")
        }
        if entry.domain.withdrawnSince[entry.name] == nil { #expect(imported.isSubset(of: defined), name(entry)) }
        #expect(entry.definitions.contains { $0.isImported }, name(entry))
    }
}

@Test func rowsOfTheTablesAreInOrder() {
    let tables = [
        scalarTable, signalTable, windowTable, attentionTable, quantisationTable, selectionTable, scatterTable,
        sequenceTable, recurrentTable, microsoftTable, microsoftQuantisationTable,
    ]
    for (name, rows) in tables.flatMap({ $0.map { ($0.key, $0.value.map(\.versions)) } }) {
        #expect(!rows.isEmpty, "\(name)")
        for (earlier, later) in zip(rows, rows.dropFirst()) {
            #expect(earlier.upperBound + 1 == later.lowerBound, "\(name)")
        }
        let end = OperatorDomain.onnx.withdrawnSince[name].map { $0 - 1 }
        let last = rows.last?.upperBound
        #expect(last == operatorSetVersions.upperBound || last == end, "\(name)")
    }
}

/// A row that starts before its operator exists would import what is no model.
@Test func noOperatorIsImportedBeforeItExists() {
    for entry in operatorListing() where entry.domain == .onnx {
        let first = entry.definitions.map(\.since).min() ?? 0
        for version in operatorSetVersions where version < first {
            #expect(operatorFamily(entry.name, domain: "", version: Int64(version)) == nil, name(entry))
        }
    }
}

@Test func knownOperatorsSayTheirVersions() throws {
    func entry(_ name: String, _ domain: OperatorDomain = .onnx) throws -> OperatorEntry {
        try #require(operatorListing().first { $0.name == name && $0.domain == domain })
    }
    let clip = try entry("Clip")
    #expect(clip.versions.last?.upperBound == operatorSetVersions.upperBound)
    #expect(clip.definitionsText.hasSuffix("6, 11, 12, 13"))
    let upsample = try entry("Upsample")
    #expect(upsample.versionsText.hasSuffix("-9") && upsample.definitionsText.hasSuffix("7, 9"))
    #expect(try entry("Scan").versions.first?.lowerBound == 8)
    #expect(try entry("Gelu", .microsoft).versionsText == "1")
    let strings = try entry("StringNormalizer")
    #expect(!strings.isImported && strings.versionsText.isEmpty && strings.definitionsText.isEmpty)
    #expect(strings.refusal == "works on strings or tokens; only tensors of numbers are imported")
    #expect(try entry("Adam", .training).refusal != nil)
    #expect(clip.refusal == nil)
}

@Test func namesThatLookLikeOneAreFound() {
    let all = operatorListing()
    #expect(operatorNames(like: "Atention", in: all).first == "Attention")
    #expect(operatorNames(like: "conv", in: all).first == "Conv")
    #expect(operatorNames(like: "quantizelinear", in: all).prefix(2) == ["QuantizeLinear", "DequantizeLinear"])
    #expect(operatorNames(like: "", in: all).isEmpty)
    #expect(operatorNames(like: "zzzz", in: all).isEmpty)
    #expect(operatorNames(like: String(repeating: "Conv", count: 1000), in: all).count <= 5)
}
