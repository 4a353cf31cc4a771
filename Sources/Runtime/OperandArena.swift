// Lays the buffers of one request out in shared memory: constants first (streaming copies them as one block), every
// buffer between red zones of a known pattern, 64-byte aligned, page-aligned from a page up. Fills them before a call
// and finds afterwards who wrote where nobody may.

import CSystem

struct OperandArena {
    static let redZoneBytes = 256
    static let pageBytes = 4096
    static let bytesMax = 8 << 30

    struct Region: Equatable {
        var offset: Int
        var bytes: Int
        var end: Int { offset + bytes }
    }

    /// In request order.
    private(set) var operands: [Region]
    /// One per kernel.
    private(set) var scratch: [Region]
    private(set) var constantBytes = 0
    private(set) var totalBytes = 0
    /// Indices into operands then scratch, in ascending offset.
    private var order: [Int] = []

    /// `nil` when the buffers exceed what one request may hold.
    init?(_ given: [Operand], scratchBytes: [Int]) {
        operands = Array(repeating: Region(offset: 0, bytes: 0), count: given.count)
        scratch = Array(repeating: Region(offset: 0, bytes: 0), count: scratchBytes.count)
        let constants = given.indices.filter { given[$0].role == .constant }
        let others = given.indices.filter { given[$0].role != .constant }
        var cursor = 0
        func place(_ bytes: Int) -> Region? {
            guard bytes >= 0, bytes <= OperandArena.bytesMax, cursor <= OperandArena.bytesMax else { return nil }
            let alignment = bytes >= OperandArena.pageBytes ? OperandArena.pageBytes : 64
            let offset = OperandArena.roundUp(cursor + OperandArena.redZoneBytes, alignment)
            cursor = offset + bytes
            return Region(offset: offset, bytes: bytes)
        }
        for index in constants + others {
            guard let region = place(given[index].bytes) else { return nil }
            operands[index] = region
            order.append(index)
            if given[index].role == .constant { constantBytes = cursor + OperandArena.redZoneBytes }
        }
        for index in scratchBytes.indices {
            guard let region = place(scratchBytes[index]) else { return nil }
            scratch[index] = region
            order.append(given.count + index)
        }
        totalBytes = OperandArena.roundUp(cursor + OperandArena.redZoneBytes, OperandArena.pageBytes)
    }

    /// Writes red zones and contents; returns a fingerprint of each operand that must not change.
    func fill(_ base: UnsafeMutableRawPointer, _ given: [Operand]) -> [UInt64?] {
        var previousEnd = 0
        for index in order {
            let region = region(index)
            iw_canary_fill(base + previousEnd, region.offset - previousEnd, UInt64(previousEnd))
            previousEnd = region.end
            guard index < given.count else { continue }
            let buffer = UnsafeMutableRawBufferPointer(start: base + region.offset, count: region.bytes)
            switch given[index].contents {
            case .unwritten: iw_canary_fill(base + region.offset, region.bytes, UInt64(region.offset))
            case .bytes(let bytes): buffer.copyBytes(from: bytes)
            case .fill(let write): write(buffer)
            }
        }
        iw_canary_fill(base + previousEnd, totalBytes - previousEnd, UInt64(previousEnd))
        return given.indices.map { index in
            switch given[index].role {
            case .constant, .input: return iw_fingerprint(base + operands[index].offset, operands[index].bytes)
            case .result, .temporary: return nil
            }
        }
    }

    /// The first sign that something was written that may not be.
    func damage(_ base: UnsafeRawPointer, fingerprints: [UInt64?]) -> MeasureFailure? {
        var previous: Int?
        var previousEnd = 0
        for index in order {
            let next = region(index)
            if let at = firstDamage(base, previousEnd, next.offset) {
                if let previous, at - previousEnd < next.offset - at {
                    return .wroteRedZone(operand: previous, offset: at - region(previous).offset)
                }
                return .wroteRedZone(operand: index, offset: at - next.offset)
            }
            (previous, previousEnd) = (index, next.end)
        }
        if let at = firstDamage(base, previousEnd, totalBytes) {
            return .wroteRedZone(operand: previous ?? 0, offset: at - (previous.map { region($0).offset } ?? 0))
        }
        for (index, expected) in fingerprints.enumerated() {
            guard let expected else { continue }
            let found = iw_fingerprint(base + operands[index].offset, operands[index].bytes)
            if found != expected { return .wroteInput(operand: index) }
        }
        return nil
    }

    func bytes(_ base: UnsafeRawPointer, operand: Int) -> [UInt8] {
        let region = operands[operand]
        return Array(UnsafeRawBufferPointer(start: base + region.offset, count: region.bytes))
    }

    private func region(_ index: Int) -> Region {
        index < operands.count ? operands[index] : scratch[index - operands.count]
    }

    private func firstDamage(_ base: UnsafeRawPointer, _ from: Int, _ to: Int) -> Int? {
        let found = iw_canary_find(base + from, to - from, UInt64(from))
        return found < 0 ? nil : from + Int(found)
    }

    private static func roundUp(_ value: Int, _ unit: Int) -> Int { (value + unit - 1) / unit * unit }
}
