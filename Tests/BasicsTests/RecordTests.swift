// Records: whatever was written is read back, whatever it contains, and no text can imitate another field. Damaged
// records end in one sentence, never in a trap.

import Basics
import Testing

@Suite struct RecordTests {
    private static let alphabet: [Character] = [
        "a", "Z", "0", " ", "\n", "(", ")", "\"", "\\", "\t", "\u{0}", "é", "漢", "👩‍👩‍👧", "\r\n", "\u{301}", "\u{2028}",
    ]

    private func randomText(_ random: inout SeededRandom) -> String {
        String((0..<random.below(40)).map { _ in RecordTests.alphabet[random.below(RecordTests.alphabet.count)] })
    }

    @Test func whatIsWrittenIsRead() throws {
        for seed in 0..<500 {
            var random = SeededRandom(seed: UInt64(seed))
            let fields = (0..<random.below(8)).map { (name: "f\($0)", value: randomText(&random)) }
            var writer = RecordWriter(kind: "kind\(seed)")
            for field in fields { writer.field(field.name, field.value) }
            var reader = try RecordReader(writer.text)
            #expect(reader.kind == "kind\(seed)")
            for field in fields {
                #expect(reader.next == field.name)
                #expect(Array(try reader.string(field.name).utf8) == Array(field.value.utf8))
            }
            #expect(reader.next == nil)
        }
    }

    @Test func aRecordInsideARecordStaysOneField() throws {
        var inner = RecordWriter(kind: "inner")
        inner.field("name", "x (1) y\nname (1) z\n")
        var outer = RecordWriter(kind: "outer")
        outer.field("body", inner.text)
        outer.field("name", "real")
        var reader = try RecordReader(outer.text)
        #expect(try reader.string("body") == inner.text)
        #expect(try reader.string("name") == "real")
    }

    @Test func typedFieldsParseBack() throws {
        let doubles = [0.1, 1e300, Double.leastNonzeroMagnitude, 1.0 / 3, 123456789.125]
        var writer = RecordWriter(kind: "typed")
        writer.field("i", Int.min)
        writer.field("d", Digest(of: "x"))
        for value in doubles { writer.field("v", value) }
        var reader = try RecordReader(writer.text)
        #expect(try reader.integer("i") == Int.min)
        #expect(try reader.digest("d") == Digest(of: "x"))
        for value in doubles { #expect(try reader.double("v") == value) }
    }

    private func refusal(_ text: String, _ body: (inout RecordReader) throws(RecordError) -> Void = { _ in }) -> String?
    {
        do throws(RecordError) {
            var reader = try RecordReader(text)
            try body(&reader)
            return nil
        } catch {
            return error.sentence
        }
    }

    @Test func damagedRecordsSayWhatIsWrong() {
        #expect(refusal("") == "a record is damaged: it has no kind")
        #expect(refusal("job") == "a record is damaged: it has no kind")
        #expect(refusal("job\nname") == "a record is damaged: a field without a name")
        #expect(refusal("job\nname 4 text\n") == "a record is damaged: field 'name' has no size")
        #expect(refusal("job\nname (4 text\n") == "a record is damaged: field 'name' has no size")
        #expect(refusal("job\nname (x) text\n") == "a record is damaged: field 'name' has no size")
        #expect(refusal("job\nname (-1) text\n") == "a record is damaged: field 'name' has no size")
        #expect(refusal("job\nname (4)text\n") == "a record is damaged: field 'name' is cut off")
        #expect(refusal("job\nname (9) text\n") == "a record is damaged: field 'name' is cut off")
        #expect(refusal("job\nname (9223372036854775807) text\n") == "a record is damaged: field 'name' is cut off")
        #expect(refusal("job\nname (99999999999999999999) text\n") == "a record is damaged: field 'name' has no size")
        #expect(refusal("job\nname (3) text\n") == "a record is damaged: field 'name' does not end where it says")
        #expect(refusal("job\nname (1) é\n\n") == "a record is damaged: field 'name' does not end where it says")
        #expect(refusal("job\nname (4) text") == "a record is damaged: field 'name' is cut off")
        #expect(refusal("job\na\u{7}b x") == "a record is damaged: field 'a\\u{7}b' has no size")
    }

    @Test func fieldsOfTheWrongKindSayWhichOneWasExpected() {
        let text = "job\nname (4) text\n"
        #expect(
            refusal(text) { r throws(RecordError) in _ = try r.string("device") }
                == "a record is damaged: expected field 'device', found 'name'")
        #expect(
            refusal("job\n") { r throws(RecordError) in _ = try r.string("device") }
                == "a record is damaged: expected field 'device', found 'the end'")
        #expect(
            refusal(text) { r throws(RecordError) in _ = try r.integer("name") }
                == "a record is damaged: field 'name' is no integer")
        #expect(
            refusal(text) { r throws(RecordError) in _ = try r.double("name") }
                == "a record is damaged: field 'name' is no number")
        #expect(
            refusal(text) { r throws(RecordError) in _ = try r.digest("name") }
                == "a record is damaged: field 'name' is no digest")
        #expect(
            refusal("job\nname (3) nan\n") { r throws(RecordError) in _ = try r.double("name") }
                == "a record is damaged: field 'name' is no number")
    }

    /// A byte changed or cut anywhere gives a record or a sentence, never a trap, and never an unnoticed longer field.
    @Test func anyDamageEndsInAnAnswer() {
        var writer = RecordWriter(kind: "job")
        writer.field("name", "two\nlines")
        writer.field("count", 7)
        let bytes = Array(writer.text.utf8)
        for cut in bytes.indices {
            let cutText = String(decoding: bytes[..<cut], as: UTF8.self)
            if (try? RecordReader(cutText)) != nil {
                #expect(cutText == "job\n" || cutText.hasSuffix("two\nlines\n"))
            }
        }
        var random = SeededRandom(seed: 5)
        var refused = 0
        for _ in 0..<2000 {
            var damaged = bytes
            damaged[random.below(damaged.count)] = UInt8(random.below(256))
            if (try? RecordReader(String(decoding: damaged, as: UTF8.self))) == nil { refused += 1 }
        }
        #expect(refused > 500)
    }
}
