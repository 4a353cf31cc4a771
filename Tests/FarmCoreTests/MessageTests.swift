// Messages print to text that parses back; nothing a peer sends can trap.

import Basics
import FarmCore
import Testing

@Test func aThousandRandomMessagesParseBackToThemselves() throws {
    var random = RandomMessages(seed: 1)
    for _ in 0..<1000 {
        let message = random.message()
        let bytes = message.bytes
        let back = try Message(parsing: bytes)
        #expect(back == message)
        #expect(back.bytes == bytes)
    }
}

@Test func aThousandRandomSuspicionsParseBackToThemselves() throws {
    var random = RandomMessages(seed: 2)
    let causes: [Suspicion.Cause] = [.silent, .death, .named, .failed("no \"compiler\"\n")]
    for index in 0..<1000 {
        let suspicion = Suspicion(
            subject: random.digest(), cause: causes[index % 4], worker: random.text(), incarnation: random.number(),
            epoch: random.number(), attempt: random.number())
        let back = try Suspicion(parsing: suspicion.text)
        #expect(back == suspicion)
    }
}

@Test func damagedMessagesAreErrorsOrOtherMessagesAndNeverTraps() {
    var random = RandomMessages(seed: 3)
    var failures = 0
    for _ in 0..<2000 {
        var bytes = random.message().bytes
        switch random.random.below(3) {
        case 0: bytes.removeLast(1 + random.random.below(bytes.count))
        case 1: bytes[random.random.below(bytes.count)] = UInt8(random.random.below(256))
        default:
            let noise = [0x20, UInt8(random.random.below(256))]
            bytes.insert(contentsOf: noise, at: random.random.below(bytes.count))
        }
        do { _ = try Message(parsing: bytes) } catch { failures += 1 }
    }
    #expect(failures > 500)
}

@Test func anotherProtocolVersionIsRefusedWithWhatToDo() {
    let text = "sync 2 \"new\" { whatever comes later }"
    #expect(throws: MessageError.version(theirs: 2, ours: 1)) { try Message(parsing: Array(text.utf8)) }
    #expect(
        MessageError.version(theirs: 2, ours: 1).sentence
            == "the peer speaks farm protocol 2 and this program speaks 1; "
            + "run the same version of ironworks on both sides"
    )
}

@Test func aRefusalOfAnyVersionCanBeRead() throws {
    let message = try Message(parsing: Array("refused 7 \"too old\"".utf8))
    #expect(message == .refused("too old"))
}

@Test func anOversizedMessageIsRefusedBeforeItIsRead() {
    let bytes = [UInt8](repeating: 0x20, count: FarmLimits.messageBytesMax + 1)
    let expected = MessageError.tooLarge(bytes: bytes.count, limit: FarmLimits.messageBytesMax)
    #expect(throws: expected) { try Message(parsing: bytes) }
}

@Test func anUnknownItemIsAnErrorWithItsPosition() {
    let text = "request 1 \"b\" 3 explode"
    #expect(throws: MessageError.self) { try Message(parsing: Array(text.utf8)) }
    do {
        _ = try Message(parsing: Array(text.utf8))
    } catch {
        #expect(error.sentence == "a message could not be read: line 1, column 24: 'explode' is no request")
    }
}
