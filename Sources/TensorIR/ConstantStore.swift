// Constants of a graph. Small ones (up to 64 elements) stand in the text; larger ones are named by the digest of
// their row-major little-endian bytes, which stay where they are: in memory or in the mapped model file.

import Basics

package enum ConstantSource: Hashable, Sendable {
    case inline([Literal])
    case data(Digest)

    package static let inlineElementsMax = 64
}

/// Keeps a range of memory readable, and can give its pages back to the system until they are read again.
package protocol MappingOwner: AnyObject, Sendable {
    func releasePages(address: UInt, count: Int)
}

/// Bytes that outlive every use: an array, or a range of a mapping whose owner is kept alive.
package struct ConstantBytes: Sendable {
    private enum Storage: Sendable {
        case array([UInt8])
        case floats([Float])
        case mapped(owner: any MappingOwner, address: UInt, count: Int)
    }
    private let storage: Storage

    package init(_ bytes: [UInt8]) { storage = .array(bytes) }

    /// The bytes of `floats`.
    package init(floats: [Float]) { storage = .floats(floats) }

    /// `address` must stay readable for `count` bytes as long as `owner` lives.
    package init(owner: any MappingOwner, address: UnsafeRawPointer, count: Int) {
        storage = .mapped(owner: owner, address: UInt(bitPattern: address), count: count)
    }

    package var count: Int {
        switch storage {
        case .array(let bytes): bytes.count
        case .floats(let floats): floats.count * MemoryLayout<Float>.stride
        case .mapped(_, _, let count): count
        }
    }

    /// A weight of this size is read as a whole and seldom: its pages need not stay in memory afterwards.
    private static let releasedBytesMin = 1 << 20

    package func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        switch storage {
        case .array(let bytes): return try bytes.withUnsafeBytes(body)
        case .floats(let floats): return try floats.withUnsafeBytes(body)
        case .mapped(let owner, let address, let count):
            defer { if count >= ConstantBytes.releasedBytesMin { owner.releasePages(address: address, count: count) } }
            return try withExtendedLifetime(owner) {
                try body(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count))
            }
        }
    }
}

package struct ConstantStore: Sendable {
    private var table: [Digest: ConstantBytes] = [:]

    package init() {}

    /// Adds bytes under their digest; the same bytes twice are one entry.
    package mutating func add(_ bytes: ConstantBytes) -> Digest {
        let digest = bytes.withBytes { Digest(of: $0) }
        if table[digest] == nil { table[digest] = bytes }
        return digest
    }

    package subscript(_ digest: Digest) -> ConstantBytes? { table[digest] }

    package mutating func merge(_ other: ConstantStore) { table.merge(other.table) { mine, _ in mine } }
}
