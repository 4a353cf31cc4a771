// Prints messages. One item a line; strings are quoted; a block ends with `}`. Nothing depends on any order other than
// that of the arrays, so equal messages print equal bytes.

import Basics

extension Message {
    /// The wire form; at most `FarmLimits.messageBytesMax` bytes for what our own state machines build.
    package var bytes: [UInt8] {
        var writer = TextWriter()
        let version = FarmLimits.protocolVersion
        switch self {
        case .sync(let sync): sync.write(to: &writer, version: version)
        case .orders(let orders): orders.write(to: &writer, version: version)
        case .refused(let reason): writer.line("refused \(version) \(quoted(reason))")
        case .request(let request): request.write(to: &writer, version: version)
        case .reply(let reply): reply.write(to: &writer, version: version)
        }
        return writer.bytes
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension Sync {
    fileprivate func write(to writer: inout TextWriter, version: Int) {
        writer.block("sync \(version) \(quoted(build))") { out in
            out.line("worker \(quoted(worker)) \(incarnation) turn \(turn)")
            out.line("room \(capacity.cpu) \(capacity.device)")
            if leaving { out.line("leaving") }
            for capability in capabilities { out.line("capability \(quoted(capability))") }
            for subject in died { out.line("died \(subject)") }
            for hold in holds {
                let state = hold.running ? "running" : "waiting"
                let unit = hold.unit.map { " unit \(unitText($0))" } ?? ""
                out.line("hold \(leaseText(hold.lease)) \(hold.slot.rawValue) \(state)\(unit)")
            }
            for reported in facts {
                out.line("fact \(leaseText(reported.lease)) \(reported.fact.key) \(quoted(reported.fact.body))")
            }
            for end in ends { out.line("end \(leaseText(end.lease)) \(mannerText(end.manner))") }
        }
    }
}

extension Orders {
    fileprivate func write(to writer: inout TextWriter, version: Int) {
        writer.block("orders \(version) epoch \(epoch) turn \(turn) next \(nextSync.nanoseconds)") { out in
            if draining { out.line("draining") }
            for key in ackedFacts { out.line("acked \(key)") }
            for lease in ackedEnds { out.line("ended \(leaseText(lease))") }
            for subject in recordedDeaths { out.line("recorded \(subject)") }
            for lease in drops { out.line("drop \(leaseText(lease))") }
            for grant in grants { out.line("grant \(leaseText(grant.lease)) \(unitText(grant.unit))") }
            if !hints.isEmpty { out.line("hints \(quoted(hints))") }
        }
    }
}

extension Request {
    fileprivate func write(to writer: inout TextWriter, version: Int) {
        let head = "request \(version) \(quoted(build)) \(number)"
        switch ask {
        case .submit(let job): writer.line("\(head) submit \(quoted(job.text))")
        case .watch: writer.line("\(head) watch")
        case .cancel(let job): writer.line("\(head) cancel \(job.digest)")
        case .drain: writer.line("\(head) drain")
        }
    }
}

extension Reply {
    fileprivate func write(to writer: inout TextWriter, version: Int) {
        let head = "reply \(version) \(number)"
        switch answer {
        case .accepted(let job): writer.line("\(head) accepted \(job.digest)")
        case .rejected(let reason): writer.line("\(head) rejected \(quoted(reason))")
        case .cancelled(let job): writer.line("\(head) cancelled \(job.digest)")
        case .draining: writer.line("\(head) draining")
        case .standing(let standing):
            writer.block("\(head) standing") { out in
                out.line("units \(standing.totalUnits) done \(standing.doneUnits) running \(standing.running)")
                out.line("parked \(standing.parked) workers \(standing.workers)")
                if standing.finished { out.line("finished") }
                for line in standing.lines { out.line("line \(quoted(line))") }
            }
        }
    }
}

private func leaseText(_ lease: Lease) -> String { "\(lease.unit) \(lease.epoch) \(lease.attempt)" }

/// A unit without its digest, which stands in the lease before it.
private func unitText(_ unit: WorkUnit) -> String {
    let needs = unit.capabilities.map(quoted).joined(separator: ", ")
    return "\(unit.slot.rawValue) \(unit.cost.nanoseconds) [\(needs)] \(quoted(unit.body))"
}

private func mannerText(_ manner: LeaseEnd.Manner) -> String {
    switch manner {
    case .finished: return "finished"
    case .failed(let reason): return "failed \(quoted(reason))"
    case .returned: return "returned"
    }
}

/// A string token that the lexer reads back as the same text.
package func quoted(_ text: String) -> String {
    var bytes: [UInt8] = [0x22]
    bytes.reserveCapacity(text.utf8.count + 2)
    for byte in text.utf8 {
        switch byte {
        case 0x0a: bytes += [0x5c, 0x6e]
        case 0x22, 0x5c: bytes += [0x5c, byte]
        default: bytes.append(byte)
        }
    }
    bytes.append(0x22)
    return String(decoding: bytes, as: UTF8.self)
}
