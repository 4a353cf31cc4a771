// The parts of the transport: endpoints, their refusals, the writer's groups, signals, children.

import Basics
import FarmCore
import Glibc
import Synchronization
import Testing

@testable import FarmTransport

private func sentence(_ text: String) -> String {
    do {
        return try Endpoint(text).text
    } catch {
        return error.sentence
    }
}

@Test func endpointsOtherThanShortAbsoluteIpcPathsAreRefusedWithWhatToDo() {
    #expect(sentence("ipc:///tmp/farm") == "ipc:///tmp/farm")
    #expect(
        sentence("tcp://127.0.0.1:5555")
            == "tcp://127.0.0.1:5555 is refused: a tcp endpoint, loopback included, needs keys, and this build "
            + "cannot use keys; use an ipc:// endpoint in a folder that only you may enter")
    #expect(sentence("udp://x") == "\"udp://x\" is no endpoint; write ipc:///ABSOLUTE/PATH")
    #expect(sentence("ipc://farm") == "the socket path farm is not absolute; write ipc:///ABSOLUTE/PATH")
    let long = "/" + String(repeating: "d", count: 99)
    #expect(
        sentence("ipc://" + long)
            == "the socket path \(long) has 100 bytes and must stay under 100; "
            + "use a shorter folder, for example below /tmp"
    )
    #expect(sentence("ipc://" + String(long.dropLast())) == "ipc://" + String(long.dropLast()))
}

@Test func anEndpointThatCannotBeBoundIsAnErrorAndNotAHang() throws {
    let endpoint = try Endpoint("ipc:///no/such/folder/farm")
    let context = try QueueContext()
    do {
        let socket = try Socket(.router, at: endpoint, in: context)
        Issue.record("bound \(socket.raw)")
    } catch {
        #expect(error.sentence == "zmq_bind failed for ipc:///no/such/folder/farm: No such file or directory")
    }
}

private final class CountingStore: FactStore {
    let groups = Mutex<[Int]>([])
    func persist(_ records: [Record]) throws(PersistFailure) {
        let count = groups.withLock { groups -> Int in
            groups.append(records.count)
            return groups.count
        }
        if count == 1 { throw PersistFailure("disk full") }
    }
}

@Test func theWriterGroupsWritesAndReportsEachOfThem() throws {
    let store = CountingStore()
    let inbox = try Inbox<CoordinatorMail>()
    let writer = try FactWriter(store, reportingTo: inbox)
    func record(_ number: Int) -> Record {
        .fact(Fact(key: Digest(of: "\(number)"), body: "\(number)"))
    }
    writer.write(WriteID(1), (0..<256).map(record))
    while store.groups.withLock({ $0.isEmpty }) { usleep(100) }
    for number in 2...9 { writer.write(WriteID(number), [record(number)]) }
    writer.stop()
    let groups = store.groups.withLock { $0 }
    #expect(groups[0] == 256)
    #expect(groups.dropFirst().reduce(0, +) == 8)
    #expect(groups.count <= 4, "eight small writes are grouped: \(groups)")
    var answers: [String] = []
    for mail in inbox.takeAll() {
        switch mail {
        case .persisted(let id): answers.append("ok \(id.number)")
        case .persistFailed(let id, let reason): answers.append("\(reason) \(id.number)")
        case .submit, .stop: Issue.record("the writer only reports")
        }
    }
    #expect(answers == ["disk full 1"] + (2...9).map { "ok \($0)" })
}

@Test func signalsArriveAtADescriptor() throws {
    let source = try SignalSource([SIGUSR2])
    #expect(source.take() == [])
    pthread_kill(pthread_self(), SIGUSR2)
    #expect(source.take() == [SIGUSR2])
}

@Test func workForThreadsGoesToOneOfThem() throws {
    let queue = try WorkQueue<Int>()
    let inbox = try Inbox<Int>()
    let threads = try (0..<3).map { _ in
        try OwnThread {
            while true {
                let item = queue.take()
                if item < 0 { return }
                inbox.put(item)
            }
        }
    }
    for number in 0..<200 { queue.put(number) }
    for _ in threads { queue.put(-1) }
    for thread in threads { thread.join() }
    #expect(inbox.takeAll().sorted() == Array(0..<200))
    #expect(queue.take(withinMilliseconds: 1) == nil)
}
