// Cuts the large tensor payloads out of a model before it is decoded, because the decoder would copy them.
// Input: the bytes of an ONNX file. Output: the same message without payloads over `liftedBytesMin`, each replaced
// by field `lifted` = 1 + its number, and the file range of each payload. What is not on the way to a tensor is
// copied as it is. Lifted are raw_data and the packed forms of float_data and double_data, which are raw in all but
// name; the other typed fields are varints and stay.
// Lengths are written as five-byte varints, so that one pass suffices: they are patched when a message ends.

/// Where a tensor's bytes lie in the model file, and what they are.
struct LiftedPayload: Equatable {
    enum Encoding: Equatable { case raw, floats, doubles }
    var range: Range<Int>
    var encoding: Encoding
}

struct ReducedModel: Equatable {
    var bytes: [UInt8]
    var payloads: [LiftedPayload]
}

/// Payloads up to this many bytes stay in the message.
let liftedBytesMin = 4_096
/// Messages nested deeper than this are refused.
let messageDepthMax = 64
/// The reduced message must fit the lengths it is written with.
private let reducedBytesMax = 1 << 30

enum LiftFailure: Error, Equatable {
    case notModel(reason: String)
    case truncated(byteCount: Int)
    case malformed(at: Int)
    case tooDeep
    case tooLarge

    var problem: FileProblem {
        switch self {
        case .notModel(let reason): .notONNX(reason: reason)
        case .truncated(let count): .truncated(byteCount: count)
        case .malformed(let at): .malformed("the message at byte \(at) is not well formed")
        case .tooDeep: .malformed("its messages are nested deeper than \(messageDepthMax)")
        case .tooLarge: .malformed("it holds over 1 GiB beside its large tensors")
        }
    }
}

/// Scans a whole model file; linear in the number of fields, not in the bytes of the weights.
func liftTensors(in bytes: UnsafeRawBufferPointer) throws(LiftFailure) -> ReducedModel {
    var lifter = Lifter(bytes: bytes)
    try lifter.model()
    return ReducedModel(bytes: lifter.out, payloads: lifter.payloads)
}

/// The messages that lie on the way from a model to its tensors.
private enum MessageKind {
    case graph, node, attribute, function, sparse, tensor

    /// Which message field `field` of this one holds; `nil` when no tensor lies below.
    func child(_ field: Int) -> MessageKind? {
        switch (self, field) {
        case (.graph, 1), (.function, 7): .node
        case (.graph, 5), (.attribute, 5), (.attribute, 10), (.sparse, 1), (.sparse, 2): .tensor
        case (.graph, 15), (.attribute, 22), (.attribute, 23): .sparse
        case (.node, 5), (.function, 11): .attribute
        case (.attribute, 6), (.attribute, 11): .graph
        default: nil
        }
    }
}

private struct Lifter {
    let bytes: UnsafeRawBufferPointer
    var out: [UInt8] = []
    var payloads: [LiftedPayload] = []

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Fields of a ModelProto; anything else at the start means that this is another kind of file.
    private static let modelFields: [Int: WireTag.Kind] = [
        1: .varint, 2: .bytes, 3: .bytes, 4: .bytes, 5: .varint, 6: .bytes, 7: .bytes, 8: .bytes, 14: .bytes,
        20: .bytes, 25: .bytes, 26: .bytes,
    ]

    mutating func model() throws(LiftFailure) {
        guard !bytes.isEmpty else { throw .notModel(reason: "it is empty") }
        if starts(with: "version https://git-lfs") {
            throw .notModel(reason: "it is a Git LFS pointer; fetch the file behind it")
        }
        var reader = WireReader(bytes, range: 0..<bytes.count)
        var sawVersion = false
        var sawGraph = false
        while !reader.isAtEnd {
            let start = reader.at
            guard let tag = try? reader.tag(), let kind = Lifter.modelFields[tag.field], kind == tag.kind else {
                throw sawGraph ? .malformed(at: start) : .notModel(reason: "byte \(start) starts no field of a model")
            }
            let content: Range<Int>
            do {
                content = try reader.value(tag)
            } catch {
                switch error {
                case .pastEnd:
                    guard sawVersion || tag.field == 1 else { throw .notModel(reason: "it starts with no version") }
                    throw .truncated(byteCount: bytes.count)
                case .notWire(let at): throw .malformed(at: at)
                }
            }
            sawVersion = sawVersion || tag.field == 1
            switch tag.field {
            case 7:
                sawGraph = true
                try message(.graph, field: 7, content, depth: 1)
            case 25: try message(.function, field: 25, content, depth: 1)
            case 20: break  // training graphs
            default: try keep(start..<reader.at)
            }
        }
        guard sawVersion else { throw .notModel(reason: "it has no format version") }
        guard sawGraph else { throw .truncated(byteCount: bytes.count) }
    }

    /// Copies one message with the payloads below it lifted.
    private mutating func message(
        _ kind: MessageKind, field: Int, _ range: Range<Int>, depth: Int
    ) throws(LiftFailure) {
        guard depth <= messageDepthMax else { throw .tooDeep }
        putVarint(UInt64(field) << 3 | 2)
        let lengthAt = out.count
        out.append(contentsOf: [0, 0, 0, 0, 0])
        var reader = WireReader(bytes, range: range)
        var hasPayload = false
        while !reader.isAtEnd {
            let start = reader.at
            let tag: WireTag
            let content: Range<Int>
            do {
                tag = try reader.tag()
                content = try reader.value(tag)
            } catch {
                switch error {
                case .pastEnd(let at), .notWire(let at): throw .malformed(at: at)
                }
            }
            if tag.kind == .bytes, let child = kind.child(tag.field) {
                try message(child, field: tag.field, content, depth: depth + 1)
            } else if kind == .tensor, let encoding = Lifter.payload(tag, content) {
                guard !hasPayload else { throw .malformed(at: start) }
                hasPayload = true
                payloads.append(LiftedPayload(range: content, encoding: encoding))
                putVarint(100_000 << 3)
                putVarint(UInt64(payloads.count))
            } else if kind != .tensor || tag.field != 100_000 {
                try keep(start..<reader.at)
            }
        }
        var length = out.count - lengthAt - 5
        for index in 0..<5 {
            out[lengthAt + index] = UInt8(length & 0x7f) | (index < 4 ? 0x80 : 0)
            length >>= 7
        }
    }

    /// Whether this field of a tensor is large data that can be used where it lies.
    private static func payload(_ tag: WireTag, _ content: Range<Int>) -> LiftedPayload.Encoding? {
        guard tag.kind == .bytes, content.count > liftedBytesMin else { return nil }
        switch tag.field {
        case 9: return .raw
        case 4: return content.count % 4 == 0 ? .floats : nil
        case 10: return content.count % 8 == 0 ? .doubles : nil
        default: return nil
        }
    }

    private mutating func keep(_ range: Range<Int>) throws(LiftFailure) {
        guard out.count + range.count <= reducedBytesMax else { throw .tooLarge }
        out.append(contentsOf: bytes[range])
    }

    private mutating func putVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            out.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        out.append(UInt8(rest))
    }

    private func starts(with text: String) -> Bool { bytes.starts(with: text.utf8) }
}
