// Reads the protobuf wire format over bytes that it does not own. Every read is checked against the end of the
// message it is in; nothing is copied. Input: bytes and a range. Output: tags, varints and ranges.
// Groups, which ONNX never had, are refused like any other tag that makes no sense.

/// One field number with its wire type.
struct WireTag: Equatable {
    enum Kind: UInt64 {
        case varint = 0
        case fixed64 = 1
        case bytes = 2
        case fixed32 = 5
    }
    var field: Int
    var kind: Kind
}

enum WireFailure: Error, Equatable {
    /// A value ends past the message that holds it.
    case pastEnd(at: Int)
    /// A tag that protobuf does not know (field zero, groups, wire types 6 and 7), or a number over 64 bits.
    case notWire(at: Int)
}

struct WireReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var at: Int
    let end: Int

    init(_ bytes: UnsafeRawBufferPointer, range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "a message lies inside of its file")
        (self.bytes, at, end) = (bytes, range.lowerBound, range.upperBound)
    }

    var isAtEnd: Bool { at >= end }

    mutating func varint() throws(WireFailure) -> UInt64 {
        let start = at
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < end {
            let byte = bytes[at]
            at += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
            if shift > 63 { throw .notWire(at: start) }
        }
        throw .pastEnd(at: start)
    }

    mutating func tag() throws(WireFailure) -> WireTag {
        let start = at
        let value = try varint()
        guard let kind = WireTag.Kind(rawValue: value & 7), value >> 3 > 0, value >> 3 < 1 << 29
        else { throw .notWire(at: start) }
        return WireTag(field: Int(value >> 3), kind: kind)
    }

    /// Takes the value that follows `tag` and returns its bytes in the file (of a length-delimited one: its content).
    mutating func value(_ tag: WireTag) throws(WireFailure) -> Range<Int> {
        let start = at
        switch tag.kind {
        case .varint:
            _ = try varint()
            return start..<at
        case .fixed64: return try take(8, from: start)
        case .fixed32: return try take(4, from: start)
        case .bytes:
            let count = try varint()
            guard let exact = Int(exactly: count) else { throw .pastEnd(at: start) }
            return try take(exact, from: start)
        }
    }

    private mutating func take(_ count: Int, from start: Int) throws(WireFailure) -> Range<Int> {
        guard count <= end - at else { throw .pastEnd(at: start) }
        defer { at += count }
        return at..<(at + count)
    }
}
