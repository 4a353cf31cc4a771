// A client of a farm: asks one question at a time and waits for its answer. Questions are repeated until answered,
// which is harmless because each of them is idempotent.

import Basics
import CZeroMQ
import FarmCore

package final class FarmClient {
    private let endpoint: Endpoint
    private let build: String
    private let socket: Socket
    private var number = 0

    /// Connects; used on the thread that made it.
    /// - Parameter seed: random; names the connection.
    package init(endpoint: Endpoint, build: String, seed: UInt64) throws(ClientError) {
        self.endpoint = endpoint
        self.build = build
        var random = SeededRandom(seed: seed)
        do {
            socket = try Socket(.client(identity: freshIdentity(&random)), at: endpoint, in: QueueContext())
        } catch {
            throw .transport(error)
        }
    }

    /// Submits a job; on return it is durable.
    package func submit(_ job: JobText, timeout: Tick.Span = .seconds(10)) throws(ClientError) -> JobID {
        guard case .accepted(let id) = try ask(.submit(job), timeout) else { throw unexpected }
        return id
    }

    package func watch(timeout: Tick.Span = .seconds(10)) throws(ClientError) -> Standing {
        guard case .standing(let standing) = try ask(.watch, timeout) else { throw unexpected }
        return standing
    }

    /// Cancels a job; on return the cancellation is durable.
    package func cancel(_ job: JobID, timeout: Tick.Span = .seconds(10)) throws(ClientError) {
        guard case .cancelled = try ask(.cancel(job), timeout) else { throw unexpected }
    }

    /// Asks the farm to finish what runs and stop.
    package func drain(timeout: Tick.Span = .seconds(10)) throws(ClientError) {
        guard case .draining = try ask(.drain, timeout) else { throw unexpected }
    }

    private var unexpected: ClientError { .unreadable(.unexpected(kind: "reply")) }

    private func ask(_ ask: Request.Ask, _ timeout: Tick.Span) throws(ClientError) -> Reply.Answer {
        number += 1
        let request = Message.request(Request(build: build, number: number, ask: ask))
        let limit = monotonicNow() + timeout
        var sendAt = monotonicNow()
        while monotonicNow() < limit {
            if !(monotonicNow() < sendAt) {
                let sent = socket.send(request) == .sent
                sendAt = monotonicNow() + .milliseconds(sent ? 1000 : 20)
            }
            var item = zmq_pollitem_t(socket: socket.raw, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
            let wait = (min(sendAt, limit) - monotonicNow()).nanoseconds / 1_000_000 + 1
            guard zmq_poll(&item, 1, Int(max(0, wait))) > 0 else { continue }
            while let frames = socket.receive() {
                if let answer = try read(frames) { return answer }
            }
        }
        throw .noAnswer(endpoint: endpoint.text, seconds: Int(timeout.seconds))
    }

    /// The answer to the last question, if these frames hold it.
    private func read(_ frames: [[UInt8]]) throws(ClientError) -> Reply.Answer? {
        guard frames.count == 1, let body = frames.first else { return nil }
        let message: Message
        do {
            message = try Message(parsing: body)
        } catch {
            throw .unreadable(error)
        }
        switch message {
        case .reply(let reply):
            guard reply.number == number else { return nil }
            if case .rejected(let reason) = reply.answer { throw .rejected(reason) }
            return reply.answer
        case .refused(let reason): throw .refused(reason)
        case .sync, .orders, .request: return nil
        }
    }
}
