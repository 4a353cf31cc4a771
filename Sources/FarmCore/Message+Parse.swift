// Reads messages from bytes that a peer sent. Total: any input gives a message or a `MessageError`, within the limits
// of `FarmLimits`; nothing from a peer traps.

import Basics

extension Message {
    /// Parses what `bytes` prints.
    package init(parsing bytes: [UInt8]) throws(MessageError) {
        guard bytes.count <= FarmLimits.messageBytesMax else {
            throw .tooLarge(bytes: bytes.count, limit: FarmLimits.messageBytesMax)
        }
        let head = try Message.readHead(bytes)
        guard head.version == FarmLimits.protocolVersion || head.kind == "refused" else {
            throw .version(theirs: head.version, ours: FarmLimits.protocolVersion)
        }
        do {
            self = try Message.readBody(head)
        } catch {
            throw .malformed(error)
        }
    }

    private struct Head {
        var lexer: Lexer
        var kind: String
        var version: Int
    }

    private static func readHead(_ bytes: [UInt8]) throws(MessageError) -> Head {
        do {
            var lexer = try Lexer(bytes: bytes)
            let kind = try lexer.word("a kind of message")
            let version = try lexer.integer("a protocol version")
            return Head(lexer: lexer, kind: kind, version: version)
        } catch {
            throw .malformed(error)
        }
    }

    private static func readBody(_ head: Head) throws(SyntaxError) -> Message {
        var lexer = head.lexer
        let message: Message
        switch head.kind {
        case "sync": message = .sync(try Sync(from: &lexer))
        case "orders": message = .orders(try Orders(from: &lexer))
        case "refused": message = .refused(try lexer.string("a reason"))
        case "request": message = .request(try Request(from: &lexer))
        case "reply": message = .reply(try Reply(from: &lexer))
        default: throw lexer.fail("'\(escaped(head.kind, limit: 40))' is no kind of message")
        }
        guard lexer.token == .end else { throw lexer.fail("expected the end of the message, found \(lexer.found)") }
        return message
    }
}

extension Sync {
    fileprivate init(from lexer: inout Lexer) throws(SyntaxError) {
        let build = try lexer.string("a build")
        try lexer.expect("{")
        try lexer.expectWord("worker")
        let worker = try lexer.string("a worker's name")
        let incarnation = try lexer.integer("an incarnation")
        try lexer.expectWord("turn")
        let turn = try lexer.integer("a turn")
        try lexer.expectWord("room")
        let cpu = try lexer.count("cpu slots")
        let device = try lexer.count("device slots")
        self.init(
            build: build, worker: worker, incarnation: incarnation, turn: turn,
            capacity: Room(cpu: cpu, device: device), capabilities: [])
        while try !lexer.take("}") {
            switch try lexer.word("an item of a sync") {
            case "leaving": leaving = true
            case "capability": capabilities.append(try lexer.string("a capability"))
            case "died": died.append(try lexer.digest("what died"))
            case "hold": holds.append(try Hold(from: &lexer))
            case "fact":
                let lease = try lexer.lease()
                let key = try lexer.digest("a key")
                facts.append(ReportedFact(lease: lease, fact: Fact(key: key, body: try lexer.string("a fact"))))
            case "end":
                let lease = try lexer.lease()
                ends.append(LeaseEnd(lease: lease, manner: try lexer.manner()))
            case let other: throw lexer.fail("'\(escaped(other, limit: 40))' is no item of a sync")
            }
        }
    }
}

extension Hold {
    fileprivate init(from lexer: inout Lexer) throws(SyntaxError) {
        lease = try lexer.lease()
        slot = try lexer.slot()
        switch try lexer.word("running or waiting") {
        case "running": running = true
        case "waiting": running = false
        case let other: throw lexer.fail("expected running or waiting, found '\(escaped(other, limit: 40))'")
        }
        unit = try lexer.takeWord("unit") ? try lexer.unit(lease.unit) : nil
    }
}

extension Orders {
    fileprivate init(from lexer: inout Lexer) throws(SyntaxError) {
        try lexer.expectWord("epoch")
        let epoch = try lexer.integer("an epoch")
        try lexer.expectWord("turn")
        let turn = try lexer.integer("a turn")
        try lexer.expectWord("next")
        self.init(epoch: epoch, turn: turn, nextSync: Tick.Span(nanoseconds: Int64(try lexer.integer("a span"))))
        try lexer.expect("{")
        while try !lexer.take("}") {
            switch try lexer.word("an item of orders") {
            case "draining": draining = true
            case "acked": ackedFacts.append(try lexer.digest("a key"))
            case "ended": ackedEnds.append(try lexer.lease())
            case "recorded": recordedDeaths.append(try lexer.digest("a subject"))
            case "drop": drops.append(try lexer.lease())
            case "grant":
                let lease = try lexer.lease()
                grants.append(Grant(lease: lease, unit: try lexer.unit(lease.unit)))
            case "hints": hints = try lexer.string("hints")
            case let other: throw lexer.fail("'\(escaped(other, limit: 40))' is no item of orders")
            }
        }
    }
}

extension Request {
    fileprivate init(from lexer: inout Lexer) throws(SyntaxError) {
        build = try lexer.string("a build")
        number = try lexer.integer("a number")
        switch try lexer.word("a request") {
        case "submit": ask = .submit(JobText(try lexer.string("a job")))
        case "watch": ask = .watch
        case "cancel": ask = .cancel(JobID(try lexer.digest("a job")))
        case "drain": ask = .drain
        case let other: throw lexer.fail("'\(escaped(other, limit: 40))' is no request")
        }
    }
}

extension Reply {
    fileprivate init(from lexer: inout Lexer) throws(SyntaxError) {
        number = try lexer.integer("a number")
        switch try lexer.word("an answer") {
        case "accepted": answer = .accepted(JobID(try lexer.digest("a job")))
        case "rejected": answer = .rejected(try lexer.string("a reason"))
        case "cancelled": answer = .cancelled(JobID(try lexer.digest("a job")))
        case "draining": answer = .draining
        case "standing": answer = .standing(try Standing(from: &lexer))
        case let other: throw lexer.fail("'\(escaped(other, limit: 40))' is no answer")
        }
    }
}

extension Standing {
    fileprivate init(from lexer: inout Lexer) throws(SyntaxError) {
        func number(_ name: String) throws(SyntaxError) -> Int {
            try lexer.expectWord(name)
            return try lexer.integer(name)
        }
        try lexer.expect("{")
        let total = try number("units")
        let done = try number("done")
        let running = try number("running")
        let parked = try number("parked")
        let workers = try number("workers")
        let finished = try lexer.takeWord("finished")
        self.init(
            totalUnits: total, doneUnits: done, running: running, parked: parked, workers: workers, finished: finished)
        while try !lexer.take("}") {
            try lexer.expectWord("line")
            lines.append(try lexer.string("a line"))
        }
    }
}

extension Lexer {
    /// A digest may look like a number or like a word.
    mutating func digest(_ what: String) throws(SyntaxError) -> Digest {
        let spelling: String
        switch token {
        case .word(let text), .number(let text): spelling = text
        case .string, .mark, .end: throw fail("expected \(what), found \(found)")
        }
        guard let digest = Digest(hex: spelling) else { throw fail("expected \(what), 64 hex digits") }
        try advance()
        return digest
    }

    fileprivate mutating func count(_ what: String) throws(SyntaxError) -> Int {
        let value = try integer(what)
        guard (0...FarmLimits.listMax).contains(value) else { throw fail("\(value) \(what) are out of range") }
        return value
    }

    fileprivate mutating func lease() throws(SyntaxError) -> Lease {
        let unit = try digest("a unit")
        let epoch = try integer("an epoch")
        return Lease(unit: unit, epoch: epoch, attempt: try integer("an attempt"))
    }

    fileprivate mutating func slot() throws(SyntaxError) -> SlotKind {
        let name = try word("a slot kind")
        guard let slot = SlotKind(rawValue: name) else { throw fail("'\(escaped(name, limit: 40))' is no slot kind") }
        return slot
    }

    fileprivate mutating func unit(_ digest: Digest) throws(SyntaxError) -> WorkUnit {
        let slot = try slot()
        let cost = Tick.Span(nanoseconds: Int64(try integer("a cost")))
        var capabilities: [String] = []
        try expect("[")
        try list(until: "]") { (lexer: inout Lexer) throws(SyntaxError) in
            capabilities.append(try lexer.string("a capability"))
        }
        let body = try string("a unit's body")
        return WorkUnit(digest: digest, slot: slot, capabilities: capabilities, cost: cost, body: body)
    }

    fileprivate mutating func manner() throws(SyntaxError) -> LeaseEnd.Manner {
        switch try word("a manner of ending") {
        case "finished": return .finished
        case "failed": return .failed(try string("a reason"))
        case "returned": return .returned
        case let other: throw fail("'\(escaped(other, limit: 40))' is no manner of ending")
        }
    }
}
