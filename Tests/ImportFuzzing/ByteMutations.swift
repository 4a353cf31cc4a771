// Changes bytes without knowing what they mean, or knowing only protobuf's varints. Input: bytes and a generator.
// Output: bytes with one to eight changes: flips, edges, insertions, deletions, copies of a part at another place,
// lengths of messages that no longer fit, overlong varints, truncation.

import Basics

private enum ByteMutation: CaseIterable {
    case flip, edge, insert, delete, splice, swap, lengthEdit, overlong, truncate, repeatPart
}

func mutateBytes(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
    let count = 1 + random.below(8)
    for _ in 0..<count { apply(random.pick(ByteMutation.allCases), &bytes, &random) }
}

private func apply(_ mutation: ByteMutation, _ bytes: inout [UInt8], _ random: inout SeededRandom) {
    guard !bytes.isEmpty else {
        bytes = (0..<random.below(32)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        return
    }
    let at = random.below(bytes.count)
    let length = min(1 + random.below(random.pick([2, 8, 64])), bytes.count - at)
    switch mutation {
    case .flip: bytes[at] ^= 1 << UInt8(random.below(8))
    case .edge: bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x08])
    case .insert:
        let new = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        bytes.insert(contentsOf: new, at: at)
    case .delete: bytes.removeSubrange(at..<(at + length))
    case .splice:
        let part = bytes[at..<(at + length)]
        let to = random.below(bytes.count + 1)
        bytes.replaceSubrange(to..<min(to + random.below(length + 1), bytes.count), with: part)
    case .swap: bytes.swapAt(at, random.below(bytes.count))
    case .lengthEdit:
        guard let length = someLength(bytes, from: at) else { return }
        let value = edited(length.value, &random)
        bytes.replaceSubrange(length.range, with: varint(value))
    case .overlong:
        guard let length = someLength(bytes, from: at) else { return }
        var long = varint(length.value)
        long[long.count - 1] |= 0x80
        long += Array(repeating: 0x80, count: random.below(9)) + [0]
        bytes.replaceSubrange(length.range, with: long)
    case .truncate: bytes.removeSubrange(random.below(bytes.count + 1)...)
    case .repeatPart:
        let part = Array(bytes[at..<(at + length)])
        for _ in 0..<random.below(40) { bytes.insert(contentsOf: part, at: at) }
    }
}

/// The first place from `start` on, around the end, that reads as the length of a field which ends inside the file.
private func someLength(_ bytes: [UInt8], from start: Int) -> (range: Range<Int>, value: UInt64)? {
    for step in 0..<min(bytes.count, 256) {
        let at = (start + step) % bytes.count
        guard bytes[at] & 7 == 2, bytes[at] >= 8, bytes[at] < 0x80 else { continue }
        var (end, value, shift) = (at + 1, UInt64(0), UInt64(0))
        while end < bytes.count, shift < 63 {
            value |= UInt64(bytes[end] & 0x7f) << shift
            end += 1
            shift += 7
            if bytes[end - 1] < 0x80 { break }
        }
        guard end > at + 1, bytes[end - 1] < 0x80, value <= UInt64(bytes.count - end) else { continue }
        return ((at + 1)..<end, value)
    }
    return nil
}

private func edited(_ value: UInt64, _ random: inout SeededRandom) -> UInt64 {
    switch random.below(6) {
    case 0: value &+ 1
    case 1: value &- 1
    case 2: 0
    case 3: value &* 2
    case 4: random.pick([1 << 31, 1 << 32, 1 << 62, 1 << 63, .max])
    default: UInt64(random.below(256))
    }
}

private func varint(_ value: UInt64) -> [UInt8] {
    var out: [UInt8] = []
    var rest = value
    while rest >= 0x80 {
        out.append(UInt8(rest & 0x7f) | 0x80)
        rest >>= 7
    }
    return out + [UInt8(rest)]
}
