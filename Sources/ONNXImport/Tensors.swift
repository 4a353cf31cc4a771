// Tensor messages to typed bytes. Payloads that were lifted, and external data, stay where they are mapped; small
// and typed fields are copied. Input: a TensorProto. Output: a TensorType and row-major little-endian bytes, whose
// number fits the shape. Mapped bytes lie where the file has them, so they need not be aligned to their elements.
// Elements of 4 and 2 bits, which files pack into bytes with the first one lowest, get a byte each.

import Basics
import SwiftProtobuf
import TensorIR

extension DType {
    /// The dtype with this ONNX number; `nil` for strings and complex numbers.
    init?(onnx number: Int32) {
        switch number {
        case 1: self = .f32
        case 2: self = .u8
        case 3: self = .i8
        case 4: self = .u16
        case 5: self = .i16
        case 6: self = .i32
        case 7: self = .i64
        case 9: self = .bool
        case 10: self = .f16
        case 11: self = .f64
        case 12: self = .u32
        case 13: self = .u64
        case 16: self = .bf16
        case 17: self = .f8e4m3fn
        case 18: self = .f8e4m3fnuz
        case 19: self = .f8e5m2
        case 20: self = .f8e5m2fnuz
        case 21: self = .u4
        case 22: self = .i4
        case 23: self = .f4e2m1
        case 24: self = .f8e8m0
        case 25: self = .u2
        case 26: self = .i2
        default: return nil
        }
    }
}

/// The ONNX name of an element type, for sentences.
func typeName(_ number: Int32) -> String {
    let names = [
        "undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16",
        "double", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz",
        "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2",
    ]
    return names.indices.contains(Int(number)) ? names[Int(number)] : "type \(number)"
}

struct LoadedTensor {
    var type: TensorType
    var bytes: ConstantBytes
}

extension ModelFile {
    /// Types and locates one tensor.
    /// - Throws: `tensor` with its `TensorProblem`.
    func load(_ tensor: Ironworks_Onnx_TensorProto, name: String) throws(ImportError) -> LoadedTensor {
        func fail(_ reason: String) -> ImportError { .tensor(model: self.name, tensor: name, .unusable(reason)) }
        guard let dtype = DType(onnx: tensor.dataType) else {
            throw fail("its elements are \(typeName(tensor.dataType)), which is not supported")
        }
        let shape = tensor.dims.map { Int($0) }
        guard shape.allSatisfy({ $0 >= 0 }), isReasonable(shape) else {
            throw fail("its shape \(shape) is not possible")
        }
        let type = TensorType(dtype, shape)
        let bytes: ConstantBytes
        if tensor.dataLocation == .external {
            bytes = try externalBytes(tensor, type: type, name: name)
        } else if tensor.lifted > 0 {
            bytes = try liftedBytes(tensor, dtype, fail)
        } else if !tensor.rawData.isEmpty {
            bytes = ConstantBytes([UInt8](tensor.rawData))
        } else {
            guard let typed = typedBytes(tensor, dtype) else { throw fail("its data is in the wrong field") }
            bytes = ConstantBytes(typed)
        }
        guard bytes.count == type.fileBytes else {
            throw fail("it has \(bytes.count) bytes where its shape needs \(type.fileBytes)")
        }
        if dtype.bits < 8 { return LoadedTensor(type: type, bytes: unpacked(bytes, type)) }
        return LoadedTensor(type: type, bytes: dtype == .bool ? normalised(bytes) : bytes)
    }

    private func liftedBytes(
        _ tensor: Ironworks_Onnx_TensorProto, _ dtype: DType, _ fail: (String) -> ImportError
    ) throws(ImportError) -> ConstantBytes {
        guard tensor.lifted <= UInt64(payloads.count), tensor.rawData.isEmpty, tensor.floatData.isEmpty,
            tensor.doubleData.isEmpty
        else { throw fail("it has its data more than once") }
        let payload = payloads[Int(tensor.lifted) - 1]
        switch payload.encoding {
        case .raw: break
        case .floats: guard dtype == .f32 else { throw fail("its data is in the wrong field") }
        case .doubles: guard dtype == .f64 else { throw fail("its data is in the wrong field") }
        }
        return mapped(mapping, payload.range)
    }

    private func externalBytes(
        _ tensor: Ironworks_Onnx_TensorProto, type: TensorType, name: String
    ) throws(ImportError) -> ConstantBytes {
        func fail(_ problem: TensorProblem) -> ImportError { .tensor(model: self.name, tensor: name, problem) }
        var location = ""
        var offset = 0
        var length = type.fileBytes
        for entry in tensor.externalData {
            switch entry.key {
            case "location": location = entry.value
            case "offset", "length":
                guard let value = Int(entry.value), value >= 0 else {
                    throw fail(.unusable("the \(entry.key) of its external data is \"\(escaped(entry.value))\""))
                }
                if entry.key == "offset" { offset = value } else { length = value }
            default: break
            }
        }
        let file = try external(location, tensor: name)
        let (end, overflow) = offset.addingReportingOverflow(length)
        guard !overflow, end <= file.bytes.count else {
            throw fail(
                .externalTooShort(
                    location: location, neededBytes: overflow ? .max : end, actualBytes: file.bytes.count))
        }
        return mapped(file, offset..<end)
    }

    private func mapped(_ file: MappedFile, _ range: Range<Int>) -> ConstantBytes {
        guard let base = file.bytes.baseAddress, !range.isEmpty else { return ConstantBytes([]) }
        return ConstantBytes(owner: file, address: base + range.lowerBound, count: range.count)
    }

    /// Every byte of a bool is 0 or 1 from here on.
    private func normalised(_ bytes: ConstantBytes) -> ConstantBytes {
        bytes.withBytes { raw in
            raw.allSatisfy { $0 <= 1 } ? bytes : ConstantBytes(raw.map { $0 == 0 ? 0 : 1 })
        }
    }
}

extension TensorType {
    /// Bytes in a file, where elements of less than a byte are packed.
    fileprivate var fileBytes: Int { dtype.bits < 8 ? (elements * dtype.bits + 7) / 8 : bytes }
}

/// A byte per element; signed ones extend their sign.
private func unpacked(_ bytes: ConstantBytes, _ type: TensorType) -> ConstantBytes {
    let (bits, isSigned) = (type.dtype.bits, type.dtype.leastInteger < 0)
    let perByte = 8 / bits
    let (mask, sign) = (UInt8(1 << bits - 1), UInt8(isSigned ? 1 << (bits - 1) : 0))
    return bytes.withBytes { packed in
        ConstantBytes(
            [UInt8](unsafeUninitializedCapacity: type.elements) { out, count in
                for index in 0..<type.elements {
                    let element = packed[index / perByte] >> UInt8(index % perByte * bits) & mask
                    out[index] = (element ^ sign) &- sign
                }
                count = type.elements
            })
    }
}

/// The bytes of the typed field that belongs to `dtype`; `nil` when another one is filled.
private func typedBytes(_ tensor: Ironworks_Onnx_TensorProto, _ dtype: DType) -> [UInt8]? {
    func packed<T>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { [UInt8]($0) } }
    let counts = [
        tensor.floatData.count, tensor.int32Data.count, tensor.int64Data.count, tensor.doubleData.count,
        tensor.uint64Data.count, tensor.stringData.count,
    ]
    let used: Int
    let bytes: [UInt8]
    switch dtype {
    case .f32: (used, bytes) = (tensor.floatData.count, packed(tensor.floatData))
    case .f64: (used, bytes) = (tensor.doubleData.count, packed(tensor.doubleData))
    case .i64: (used, bytes) = (tensor.int64Data.count, packed(tensor.int64Data))
    case .u64: (used, bytes) = (tensor.uint64Data.count, packed(tensor.uint64Data))
    case .u32:
        (used, bytes) = (tensor.uint64Data.count, packed(tensor.uint64Data.map { UInt32(truncatingIfNeeded: $0) }))
    case .i32: (used, bytes) = (tensor.int32Data.count, packed(tensor.int32Data))
    case .i16, .u16, .f16, .bf16:
        (used, bytes) = (tensor.int32Data.count, packed(tensor.int32Data.map { UInt16(truncatingIfNeeded: $0) }))
    case .i8, .u8, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1, .i4, .u4, .i2, .u2:
        (used, bytes) = (tensor.int32Data.count, tensor.int32Data.map { UInt8(truncatingIfNeeded: $0) })
    case .bool: (used, bytes) = (tensor.int32Data.count, tensor.int32Data.map { $0 == 0 ? 0 : 1 })
    }
    return used == counts.reduce(0, +) ? bytes : nil
}

/// The most elements of one tensor, and of one loop nest.
let elementsMax = 1 << 40
let rankMax = 16

/// Whether index arithmetic over this shape fits 64 bits; extents of zero count as one.
func isReasonable(_ shape: [Int]) -> Bool {
    guard shape.count <= rankMax else { return false }
    var product = 1
    for extent in shape {
        guard extent >= 0 else { return false }
        let (next, overflow) = product.multipliedReportingOverflow(by: max(extent, 1))
        guard !overflow, next <= elementsMax else { return false }
        product = next
    }
    return true
}
