// Suspicions: the durable memory of what happened to workers that ran something. Losing a worker is nobody's fault by
// itself, so blame is a score over all suspicions of one subject, and the score depends on the set, not on the order.
//
// A death counts two, a silence one (the worker may only have been cut off). From six on the subject runs alone on
// one worker, so that a further death can have no other cause; from eight on it is parked. A unit that the executor
// could not run three times is parked too.

import Basics

/// One reason to distrust a subject: a unit, or a part of a unit that a worker named (a candidate).
package struct Suspicion: Hashable, Sendable {
    package enum Cause: Hashable, Sendable {
        /// The lease ran out without a word from the worker.
        case silent
        /// The worker came back as a new process and could not say what killed it.
        case death
        /// The worker came back and named what it was running.
        case named
        /// The executor could not run the unit.
        case failed(String)
    }

    package var subject: Digest
    package var cause: Cause
    package var worker: String
    /// The worker process that suffered (`named`: the one that reported).
    package var incarnation: Int
    /// The lease that was lost; zero for `named`.
    package var epoch: Int
    package var attempt: Int

    package init(subject: Digest, cause: Cause, worker: String, incarnation: Int, epoch: Int, attempt: Int) {
        self.subject = subject
        self.cause = cause
        self.worker = worker
        self.incarnation = incarnation
        self.epoch = epoch
        self.attempt = attempt
    }

    /// The same event has the same key however often it is reported.
    package var key: Digest { Digest(of: text) }

    package var text: String {
        "suspicion \(subject) \(causeText) \(quoted(worker)) \(incarnation) \(epoch) \(attempt)"
    }

    private var causeText: String {
        switch cause {
        case .silent: return "silent"
        case .death: return "death"
        case .named: return "named"
        case .failed(let reason): return "failed \(quoted(reason))"
        }
    }

    /// Parses what `text` prints.
    package init(parsing text: String) throws(SyntaxError) {
        var lexer = try Lexer(text)
        try lexer.expectWord("suspicion")
        subject = try lexer.digest("a subject")
        switch try lexer.word("a cause") {
        case "silent": cause = .silent
        case "death": cause = .death
        case "named": cause = .named
        case "failed": cause = .failed(try lexer.string("a reason"))
        case let other: throw lexer.fail("'\(escaped(other))' is no cause of a suspicion")
        }
        worker = try lexer.string("a worker")
        incarnation = try lexer.integer("an incarnation")
        epoch = try lexer.integer("an epoch")
        attempt = try lexer.integer("an attempt")
        guard lexer.token == .end else { throw lexer.fail("expected the end, found \(lexer.found)") }
    }
}

/// The score of one subject.
package struct Blame: Hashable, Sendable {
    package private(set) var deaths = 0
    package private(set) var silences = 0
    package private(set) var failures: [String] = []

    package init() {}

    package mutating func add(_ cause: Suspicion.Cause) {
        switch cause {
        case .silent: silences += 1
        case .death, .named: deaths += 1
        case .failed(let reason):
            failures.append(reason)
            failures.sort()
        }
    }

    private var score: Int { 2 * deaths + silences }

    /// Runs alone from now on.
    package var onProbation: Bool { score >= FarmLimits.probationScore }

    /// Why it will not be handed out again; `nil` while it may.
    package var parkReason: String? {
        if failures.count >= FarmLimits.failuresMax, let last = failures.last {
            return "could not be run \(failures.count) times: \(last)"
        }
        guard score >= FarmLimits.parkScore else { return nil }
        return "lost \(deaths) workers by death and \(silences) by silence"
    }
}
