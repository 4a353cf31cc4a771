// Which operators are imported, as values: every known operator of every domain with its definitions and the versions
// in which it is imported. Input: the names that exist, and the very lookup that the importer asks for each node.
// Output: one entry per operator, in order of domain and name. Because the listing asks and does not repeat the tables,
// it cannot say anything else than what an import does.

/// One operator of one domain.
package struct OperatorEntry: Hashable, Sendable {
    package var name: String
    package var domain: OperatorDomain
    package var area: OperatorArea
    /// The definitions that hold in versions a model may import, oldest first.
    package var definitions: [OperatorDefinition]
    /// Versions of the operator set in which it is imported: ascending, with gaps between the ranges.
    package var versions: [ClosedRange<Int>]

    package var isImported: Bool { !versions.isEmpty }

    /// Why it is not imported; `nil` when it is.
    package var refusal: String? { isImported ? nil : area.refusal }
}

/// What an operator means from one version of the operator set to the next definition.
package struct OperatorDefinition: Hashable, Sendable {
    /// The version that brought it.
    package var since: Int
    /// Versions in which it holds, of those that a model may import.
    package var versions: ClosedRange<Int>
    /// Whether it is imported in all of them.
    package var isImported: Bool
}

/// Every known operator: by domain in the order of `OperatorDomain`, by name within it, letters of either case alike.
package func operatorListing() -> [OperatorEntry] {
    OperatorDomain.allCases.flatMap { domain in
        domain.groups.flatMap { group in
            group.operators.map { entry($0.name, $0.definitions, group.area, domain) }
        }.sorted { isBefore($0.name, $1.name) }
    }
}

private func entry(
    _ name: String, _ definitions: [Int], _ area: OperatorArea, _ domain: OperatorDomain
) -> OperatorEntry {
    // control flow is looked up without a version, so what is older than the operator is left out here
    let imported = domain.versions.filter { version in
        definitions.contains { $0 <= version } && isImported(name, domain, version: version)
    }
    return OperatorEntry(
        name: name, domain: domain, area: area,
        definitions: spans(definitions, of: name, domain).map { since, versions in
            OperatorDefinition(since: since, versions: versions, isImported: versions.allSatisfy(imported.contains))
        },
        versions: ranges(imported))
}

/// Whether an import takes the operator: by a family, or as control flow.
private func isImported(_ name: String, _ domain: OperatorDomain, version: Int) -> Bool {
    if operatorFamily(name, domain: domain.nodeDomain, version: Int64(version)) != nil { return true }
    var node = Ironworks_Onnx_NodeProto()
    node.opType = name
    return ControlFlow(node, domain: domain.nodeDomain) != nil
}

/// From each definition to the next one or to the withdrawal, as far as a model may import these versions.
private func spans(
    _ definitions: [Int], of name: String, _ domain: OperatorDomain
) -> [(since: Int, versions: ClosedRange<Int>)] {
    let end = domain.withdrawnSince[name] ?? domain.versions.upperBound + 1
    return definitions.indices.compactMap { n in
        let next = n + 1 < definitions.count ? definitions[n + 1] : end
        guard definitions[n] < next, (definitions[n]...(next - 1)).overlaps(domain.versions) else { return nil }
        return (definitions[n], (definitions[n]...(next - 1)).clamped(to: domain.versions))
    }
}

/// Ascending numbers as ranges without neighbours.
private func ranges(_ numbers: [Int]) -> [ClosedRange<Int>] {
    numbers.reduce(into: []) { out, number in
        if let last = out.last, last.upperBound + 1 == number {
            out[out.count - 1] = last.lowerBound...number
        } else {
            out.append(number...number)
        }
    }
}

private func isBefore(_ a: String, _ b: String) -> Bool { (a.lowercased(), a) < (b.lowercased(), b) }

// MARK: texts

extension OperatorEntry {
    /// `6-28`; `6-9, 11-28` where there are gaps.
    package var versionsText: String {
        versions.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ", ")
    }

    /// The versions that brought the definitions that are imported: `1, 6, 13`.
    package var definitionsText: String {
        definitions.filter(\.isImported).map { "\($0.since)" }.joined(separator: ", ")
    }
}

/// Up to five names of `entries` that look like `name`, the most alike first: at least half of the pairs of
/// neighbouring letters are the same, whatever their case.
package func operatorNames(like name: String, in entries: [OperatorEntry]) -> [String] {
    let wanted = letterPairs(name)
    let scored = Set(entries.map(\.name)).map { candidate in
        let pairs = letterPairs(candidate)
        let common = Double(2 * wanted.intersection(pairs).count)
        return (name: candidate, score: common / Double(max(1, wanted.count + pairs.count)))
    }
    let alike = scored.filter { $0.score >= 0.5 }
    return alike.sorted { $0.score == $1.score ? isBefore($0.name, $1.name) : $0.score > $1.score }.prefix(5)
        .map(\.name)
}

private func letterPairs(_ name: String) -> Set<String> {
    let letters = Array(name.lowercased().prefix(64))
    return Set(zip(letters, letters.dropFirst()).map { String([$0, $1]) })
}
