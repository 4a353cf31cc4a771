// Random messages of every kind, with awkward strings: quotes, newlines, escapes, control characters, other scripts.

import Basics
import FarmCore

struct RandomMessages {
    var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func message() -> Message {
        switch random.below(5) {
        case 0: return .sync(sync())
        case 1: return .orders(orders())
        case 2: return .refused(text())
        case 3: return .request(request())
        default: return .reply(reply())
        }
    }

    mutating func text() -> String {
        let pieces = ["\"", "\\", "\n", "\r", "\t", "\u{0}", "\u{7f}", "é", "線", "a b", "//", "}", "{ ", "n", "0x", ""]
        return (0..<random.below(8)).map { _ in pieces[random.below(pieces.count)] }.joined()
    }

    mutating func digest() -> Digest { Digest(of: "\(random.next())") }
    mutating func number() -> Int { random.below(2) == 0 ? random.below(100) : Int(truncatingIfNeeded: random.next()) }
    mutating func flag() -> Bool { random.below(2) == 0 }

    mutating func lease() -> Lease { Lease(unit: digest(), epoch: number(), attempt: number()) }
    mutating func slot() -> SlotKind { SlotKind.allCases[random.below(3)] }

    mutating func unit(_ digest: Digest) -> WorkUnit {
        WorkUnit(
            digest: digest, slot: slot(), capabilities: many { $0.text() },
            cost: Tick.Span(nanoseconds: Int64(number())), body: text())
    }

    mutating func many<T>(_ make: (inout RandomMessages) -> T) -> [T] {
        var items: [T] = []
        for _ in 0..<random.below(4) { items.append(make(&self)) }
        return items
    }

    mutating func sync() -> Sync {
        Sync(
            build: text(), worker: text(), incarnation: number(), turn: number(),
            capacity: Room(cpu: random.below(100), device: random.below(100)), capabilities: many { $0.text() },
            leaving: flag(), died: many { $0.digest() }, holds: many { $0.hold() },
            facts: many { ReportedFact(lease: $0.lease(), fact: Fact(key: $0.digest(), body: $0.text())) },
            ends: many { LeaseEnd(lease: $0.lease(), manner: $0.manner()) })
    }

    mutating func hold() -> Hold {
        let lease = lease()
        return Hold(lease: lease, slot: slot(), running: flag(), unit: flag() ? unit(lease.unit) : nil)
    }

    mutating func manner() -> LeaseEnd.Manner {
        switch random.below(3) {
        case 0: return .finished
        case 1: return .failed(text())
        default: return .returned
        }
    }

    mutating func orders() -> Orders {
        Orders(
            epoch: number(), turn: number(), nextSync: Tick.Span(nanoseconds: Int64(number())), draining: flag(),
            ackedFacts: many { $0.digest() }, ackedEnds: many { $0.lease() }, recordedDeaths: many { $0.digest() },
            drops: many { $0.lease() },
            grants: many {
                let lease = $0.lease()
                return Grant(lease: lease, unit: $0.unit(lease.unit))
            }, hints: text())
    }

    mutating func request() -> Request {
        let ask: Request.Ask
        switch random.below(4) {
        case 0: ask = .submit(JobText(text()))
        case 1: ask = .watch
        case 2: ask = .cancel(JobID(digest()))
        default: ask = .drain
        }
        return Request(build: text(), number: number(), ask: ask)
    }

    mutating func reply() -> Reply {
        let answer: Reply.Answer
        switch random.below(5) {
        case 0: answer = .accepted(JobID(digest()))
        case 1: answer = .rejected(text())
        case 2: answer = .cancelled(JobID(digest()))
        case 3: answer = .draining
        default:
            answer = .standing(
                Standing(
                    totalUnits: number(), doneUnits: number(), running: number(), parked: number(), workers: number(),
                    finished: flag(), lines: many { $0.text() }))
        }
        return Reply(number: number(), answer: answer)
    }
}
