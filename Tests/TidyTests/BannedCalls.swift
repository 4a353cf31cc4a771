// Calls that we do not make, each with what stands in its place. Time, randomness and the environment are inputs, so
// that a run can be repeated; a trap carries its invariant; only the shells print. Comments and strings do not count.

/// One thing not to write.
struct Ban {
    var token: String
    var instead: String
    /// Targets where it is right.
    var allowed: Set<String> = []
    /// Whether tests may not write it either.
    var alsoInTests = false
    /// Whether a method of that name is fine: `printer.print(x)`.
    var freeStanding = false

    private static let shells: Set<String> = ["Commands", "ironworks"]
    private static let clocks: Set<String> = ["Commands", "ironworks", "Runtime", "FarmTransport"]
    private static let time = "a Tick that is passed in"
    private static let random = "SeededRandom, seeded by a digest, a job or a test"

    static let table = [
        Ban(token: "Date(", instead: time, allowed: shells),
        Ban(token: "Date.now", instead: time, allowed: shells),
        Ban(token: "ContinuousClock", instead: time, allowed: clocks),
        Ban(token: "SuspendingClock", instead: time, allowed: clocks),
        Ban(token: "DispatchTime", instead: time, allowed: clocks),
        Ban(token: "clock_gettime(", instead: time, allowed: clocks),
        Ban(token: "gettimeofday(", instead: time, allowed: clocks),
        Ban(token: ".random(in", instead: random, alsoInTests: true),
        Ban(token: ".random()", instead: random, alsoInTests: true),
        Ban(token: ".randomElement()", instead: random, alsoInTests: true),
        Ban(token: ".shuffled()", instead: random, alsoInTests: true),
        Ban(token: ".shuffle()", instead: random, alsoInTests: true),
        Ban(token: "SystemRandomNumberGenerator", instead: random, alsoInTests: true),
        Ban(token: "UUID(", instead: "a Digest of what is named", allowed: shells),
        Ban(token: "print(", instead: "a returned text; only Commands prints", allowed: shells, freeStanding: true),
        Ban(token: "debugPrint(", instead: "a returned text; only Commands prints", freeStanding: true),
        Ban(token: "getenv(", instead: "a value that Commands read", allowed: shells),
        Ban(token: "setenv(", instead: "the environment argument of the spawn"),
        Ban(token: "ProcessInfo", instead: "a value that Commands read", allowed: shells),
        Ban(token: "CommandLine", instead: "a value that Commands read", allowed: shells),
        Ban(token: "try!", instead: "a thrown error, or a precondition that says why it cannot fail"),
        Ban(token: "as!", instead: "as? with an answer for both cases"),
        Ban(token: "fatalError(", instead: "preconditionFailure with the invariant in words"),
        Ban(token: "public", instead: "package"),
        Ban(token: "await", instead: "the loop thread and its inbox", allowed: shells),
        Ban(token: "actor", instead: "a value owned by the loop thread", allowed: shells),
    ]
}

/// Every banned call in a source or a test.
func bannedCallFindings(_ file: TextFile, _ bans: [Ban] = Ban.table) -> [Finding] {
    guard file.isSwift, !file.isGenerated else { return [] }
    let bans = bans.filter { ban in
        guard mentions(file.code, ban.token) else { return false }
        if let target = file.target { return !ban.allowed.contains(target) }
        return file.testTarget != nil && ban.alsoInTests
    }
    if bans.isEmpty { return [] }
    return file.codeLines.enumerated().flatMap { index, line in
        bans.filter { stands($0.token, in: line, freeStanding: $0.freeStanding) }.map {
            Finding(path: file.path, line: index + 1, message: "'\($0.token)' is not written here; use \($0.instead)")
        }
    }
}

/// Promises to the compiler about threads that do not say which lock or thread keeps them.
func unprovenSharingFindings(_ file: TextFile) -> [Finding] {
    guard file.isSwift, file.target != nil, !file.isGenerated else { return [] }
    let lines = file.lines
    return file.codeLines.enumerated().compactMap { index, line in
        guard line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") else { return nil }
        let near = lines[max(0, index - 3)...index].joined(separator: "\n").lowercased()
        let comments = near.split(separator: "\n").compactMap { $0.firstRange(of: "//").map($0.suffix(from:)) }
        let reasons = ["lock", "thread", "mutex", "immutable"]
        if comments.contains(where: { comment in reasons.contains { comment.contains($0) } }) { return nil }
        let message = "an unchecked promise needs a comment that names the lock or the thread that keeps it"
        return Finding(path: file.path, line: index + 1, message: message)
    }
}

extension Substring {
    fileprivate func suffix(from range: Range<Index>) -> Substring { self[range.lowerBound...] }
}
