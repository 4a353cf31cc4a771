// The style is a test: every rule that a program can check is checked on the whole repository here, in well under a
// second. Each check is a function on values; CheckTests shows each of them failing on a snippet.

import Testing

@Suite struct RepositoryTests {
    let repository = Repository.here
    let manifest = Manifest(Repository.here.file("Package.swift")?.text ?? "")

    /// Expects no finding, and shows all of them at once otherwise.
    private func expectNone(_ findings: [Finding], at location: SourceLocation = #_sourceLocation) {
        let listing = findings.map(\.description).joined(separator: "\n")
        let isClean = findings.isEmpty
        #expect(isClean, "\(listing)", sourceLocation: location)
    }

    @Test func theCheckoutIsRead() {
        let sources = repository.swiftSources.count
        let tests = repository.swiftTests.map(\.name)
        #expect(sources > 5)
        #expect(tests.contains("RepositoryTests.swift"))
        #expect(manifest.target("Basics")?.dependencies == ["CDigest"])
        #expect(manifest.target("TidyTests")?.isTest == true)
    }

    @Test func importsPointDown() {
        expectNone(importFindings(repository.swiftSources, manifest))
        expectNone(manifestFindings(manifest, repository.files.filter(\.isSwift)))
    }

    @Test func everyFolderIsATargetAndEveryTargetIsTested() {
        expectNone(targetFindings(manifest, repository.files))
    }

    @Test func filesAreShortAndNarrow() {
        expectNone(repository.files.flatMap(sizeFindings))
    }

    @Test func filesOpenWithWhatTheyAre() {
        expectNone(repository.files.flatMap(headerFindings))
    }

    @Test func functionsAreShort() {
        expectNone(repository.files.flatMap(functionLengthFindings))
    }

    @Test func bannedCallsAreNotMade() {
        expectNone(repository.files.flatMap { bannedCallFindings($0) })
        expectNone(repository.files.flatMap(unprovenSharingFindings))
    }

    @Test func nothingIsLeftUnfinished() {
        expectNone(repository.files.flatMap(unfinishedFindings))
    }

    @Test func noPathOfOneMachine() {
        expectNone(repository.files.flatMap(machinePathFindings))
    }

    @Test func linksPointSomewhere() {
        expectNone(repository.files.flatMap { linkFindings($0, in: repository) })
    }

    @Test func glossaryIsInOrder() throws {
        let glossary = repository.file("docs/glossary.md")
        expectNone(glossaryFindings(try #require(glossary)))
    }

    @Test func moduleTableIsThePackage() throws {
        let page = repository.file("docs/architecture.md")
        expectNone(moduleTableFindings(try #require(page), manifest))
    }
}
