// NumPy's array format: a magic, a header that is a Python dictionary, then the elements. Read are versions 1 to 3,
// little-endian, row-major, numbers and bool; written is version 1. What NumPy does not know is written as the integers
// that hold its bits: bf16 in 16, floats of 8 and 4 bits and integers of 4 and 2 in 8. Input and output: bytes.

import TensorIR

/// A tensor with the name by which it is matched.
struct NamedTensor: Equatable {
    var name: String
    var type: TensorType
    /// Row-major, little-endian.
    var bytes: [UInt8]
}

extension DType {
    /// The type that NumPy has for the same bytes.
    var carrier: DType {
        switch self {
        case .bf16: .u16
        case .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1, .u4, .u2: .u8
        case .i4, .i2: .i8
        case .f16, .f32, .f64, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool: self
        }
    }

    /// Whether every byte is an element; can fail where an element has less than 8 bits.
    func admits(_ bytes: [UInt8]) -> Bool {
        guard bits < 8 else { return true }
        if isFloat { return bytes.allSatisfy { $0 < 1 << bits } }
        let range = leastInteger...greatestInteger
        return bytes.allSatisfy { range.contains(leastInteger < 0 ? Int64(Int8(bitPattern: $0)) : Int64($0)) }
    }
}

enum ArrayFile {
    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    /// The data starts on a multiple of this.
    private static let alignment = 64
    private static let headerBytesMax = 1 << 16
    /// The most elements of a tensor, as for those of a model.
    private static let elementsMax = 1 << 40

    /// Parses a whole .npy file.
    static func read(_ bytes: [UInt8]) throws(ArrayFlaw) -> (type: TensorType, bytes: [UInt8]) {
        guard bytes.count >= 10, bytes.starts(with: magic) else { throw .notNPY }
        let major = Int(bytes[6])
        guard (1...3).contains(major) else { throw .version(major: major) }
        let lengthBytes = major == 1 ? 2 : 4
        let start = 8 + lengthBytes
        guard bytes.count >= start else { throw .header("it is cut off") }
        let length = (0..<lengthBytes).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
        guard length <= headerBytesMax else { throw .header("its length is \(length)") }
        guard bytes.count - start >= length else { throw .header("it is cut off") }
        let type = try ArrayHeader.type(of: bytes[start..<start + length])
        let data = bytes[(start + length)...]
        let needed = try byteCount(type)
        guard data.count == needed else { throw .length(bytes: data.count, needed: needed) }
        return (type, type.dtype == .bool ? data.map { $0 == 0 ? 0 : 1 } : Array(data))
    }

    /// A whole .npy file of row-major little-endian `bytes`.
    static func write(_ type: TensorType, _ bytes: [UInt8]) -> [UInt8] {
        precondition(bytes.count == type.bytes, "the bytes of a tensor fit its type")
        let shape = type.shape.map { "\($0), " }.joined()
        let text = "{'descr': '\(descriptor(type.dtype))', 'fortran_order': False, 'shape': (\(shape)), }"
        let fixed = magic.count + 4
        let header = (fixed + text.utf8.count + 1 + alignment - 1) / alignment * alignment - fixed
        precondition(header <= 0xffff, "the header of a tensor of at most 16 axes is short")
        var out = magic + [1, 0, UInt8(header & 0xff), UInt8(header >> 8)] + Array(text.utf8)
        out += [UInt8](repeating: UInt8(ascii: " "), count: header - text.utf8.count - 1)
        out.append(UInt8(ascii: "\n"))
        return out + bytes
    }

    private static func byteCount(_ type: TensorType) throws(ArrayFlaw) -> Int {
        var elements = 1
        for extent in type.shape {
            let (product, overflow) = elements.multipliedReportingOverflow(by: extent)
            guard !overflow, product <= elementsMax else { throw .shape(type.shape) }
            elements = product
        }
        return elements * type.dtype.bytes
    }

    private static func descriptor(_ dtype: DType) -> String {
        switch dtype.carrier {
        case .f16: "<f2"
        case .f32: "<f4"
        case .f64: "<f8"
        case .i8: "|i1"
        case .i16: "<i2"
        case .i32: "<i4"
        case .i64: "<i8"
        case .u8: "|u1"
        case .u16: "<u2"
        case .u32: "<u4"
        case .u64: "<u8"
        case .bool: "|b1"
        case .bf16, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1, .i4, .u4, .i2, .u2:
            preconditionFailure("a carrier is a type that NumPy has")
        }
    }

    /// The dtype of a descriptor such as `<f4`.
    fileprivate static func dtype(_ text: String) throws(ArrayFlaw) -> DType {
        let known: [String: DType] = [
            "f2": .f16, "f4": .f32, "f8": .f64, "i1": .i8, "i2": .i16, "i4": .i32, "i8": .i64, "u1": .u8, "u2": .u16,
            "u4": .u32, "u8": .u64, "b1": .bool,
        ]
        guard let order = text.first, let dtype = known[String(text.dropFirst())] else { throw .dtype(text) }
        switch order {
        case "<", "=": return dtype
        case "|" where dtype.bytes == 1: return dtype
        case ">" where dtype.bytes == 1: return dtype
        case ">": throw .bigEndian(text)
        default: throw .dtype(text)
        }
    }
}

/// The dictionary of a header: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
private struct ArrayHeader {
    private var rest: ArraySlice<UInt8>

    static func type(of header: ArraySlice<UInt8>) throws(ArrayFlaw) -> TensorType {
        var parser = ArrayHeader(rest: header)
        var dtype: DType?
        var isFortran: Bool?
        var shape: [Int]?
        try parser.expect("{")
        while !parser.take("}") {
            let key = try parser.quoted()
            try parser.expect(":")
            switch key {
            case "descr": dtype = try ArrayFile.dtype(try parser.descriptor())
            case "fortran_order": isFortran = try parser.boolean()
            case "shape": shape = try parser.tuple()
            default: throw .header("it has the key \(key.debugDescription)")
            }
            if !parser.take(",") {
                try parser.expect("}")
                break
            }
        }
        guard let dtype, let isFortran, let shape else { throw .header("it lacks descr, fortran_order or shape") }
        // with one axis both orders are one
        if isFortran, shape.count > 1 { throw .fortranOrder }
        return TensorType(dtype, shape)
    }

    private init(rest: ArraySlice<UInt8>) { self.rest = rest }

    private mutating func skipBlanks() { rest = rest.drop { $0 == 0x20 || $0 == 0x0a } }

    private mutating func take(_ word: String) -> Bool {
        skipBlanks()
        guard rest.starts(with: word.utf8) else { return false }
        rest = rest.dropFirst(word.utf8.count)
        return true
    }

    private mutating func expect(_ word: String) throws(ArrayFlaw) {
        guard take(word) else { throw .header("'\(word)' is missing") }
    }

    private mutating func quoted() throws(ArrayFlaw) -> String {
        skipBlanks()
        guard let mark = rest.first, mark == UInt8(ascii: "'") || mark == UInt8(ascii: "\""),
            let end = rest.dropFirst().firstIndex(of: mark)
        else { throw .header("a text is missing") }
        let text = String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self)
        rest = rest[(end + 1)...]
        return text
    }

    /// A text, or the beginning of the list that describes a record.
    private mutating func descriptor() throws(ArrayFlaw) -> String {
        skipBlanks()
        if rest.first == UInt8(ascii: "[") { throw .dtype(String(decoding: rest.prefix(24), as: UTF8.self)) }
        return try quoted()
    }

    private mutating func boolean() throws(ArrayFlaw) -> Bool {
        if take("True") { return true }
        try expect("False")
        return false
    }

    private mutating func tuple() throws(ArrayFlaw) -> [Int] {
        var out: [Int] = []
        try expect("(")
        while !take(")") {
            skipBlanks()
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard let extent = Int(String(decoding: digits, as: UTF8.self)) else {
                throw .header("an extent is no number")
            }
            out.append(extent)
            rest = rest.dropFirst(digits.count)
            _ = take("L")
            if !take(",") {
                try expect(")")
                break
            }
        }
        guard out.count <= 16 else { throw .shape(out) }
        return out
    }
}
