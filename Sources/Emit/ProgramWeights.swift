// The weights file: one header line of 64 bytes, then every constant of the program, each where a kernel may read it
// straight out of a mapping of the file. The printed program knows all offsets and checks the header.
//
//     0  magic "IRONWTS\n"   8  version, u32   12  number of constants, u32   16  bytes of the file, u64
//     24 digest of the program's C text, 32 bytes   56  zero
//
// Integers are little-endian. A constant of a page or more starts on a page, a smaller one on a line of 64 bytes.

import Basics
import ProgramIR
import TensorIR

/// Where each constant of a program lies in its weights file.
package struct WeightsLayout: Hashable, Sendable {
    package static let magic = "IRONWTS\n"
    package static let version = 1
    package static let headerBytes = 64
    package static let lineBytes = 64
    package static let pageBytes = 4096
    /// Zeros at the end of the file, so that a vector load at the end of the last constant stays inside it.
    package static let slackBytes = 256

    package struct Constant: Hashable, Sendable {
        package var offset: Int
        package var bytes: Int
        package var digest: Digest
    }
    package private(set) var constants: [Constant]
    package private(set) var totalBytes: Int

    /// - Throws: `constantUnused` when the constants are not numbered without gaps.
    package init(_ program: Program) throws(ProgramEmissionError) {
        var found: [Int: Constant] = [:]
        for buffer in program.buffers {
            guard case .constant(let n, let digest) = buffer.place else { continue }
            let bytes = max(buffer.bytes, found[n]?.bytes ?? 0)
            found[n] = Constant(offset: 0, bytes: bytes, digest: digest)
        }
        constants = []
        var end = WeightsLayout.headerBytes
        for n in 0..<found.count {
            guard var constant = found[n] else { throw .constantUnused(n) }
            let isLarge = constant.bytes >= WeightsLayout.pageBytes
            constant.offset = roundedUp(end, to: isLarge ? WeightsLayout.pageBytes : WeightsLayout.lineBytes)
            end = constant.offset + constant.bytes
            constants.append(constant)
        }
        totalBytes = end + WeightsLayout.slackBytes
    }

    /// The bytes of the weights file.
    /// - Parameters:
    ///   - program: digest of the printed program, `ProgramSource.digest`.
    ///   - contents: the bytes of each constant; bytes behind what the program reads are left out.
    /// - Throws: `constantCount`, `constantTooSmall` or `constantDiffers`.
    package func file(program: Digest, contents: [[UInt8]]) throws(ProgramEmissionError) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(totalBytes)
        try pieces(program: program, contents: contents.map { ConstantBytes($0) }) { out.append(contentsOf: $0) }
        return out
    }

    /// Hands out the weights file piece by piece, in order, and holds one constant at a time.
    /// - Throws: as `file` does, maybe after some pieces.
    package func pieces(
        program: Digest, contents: [ConstantBytes], _ put: (UnsafeRawBufferPointer) -> Void
    ) throws(ProgramEmissionError) {
        guard contents.count == constants.count else {
            throw .constantCount(found: contents.count, expected: constants.count)
        }
        header(program).withUnsafeBytes(put)
        var end = WeightsLayout.headerBytes
        func pad(to offset: Int) {
            [UInt8](repeating: 0, count: offset - end).withUnsafeBytes(put)
        }
        for (n, constant) in constants.enumerated() {
            pad(to: constant.offset)
            let problem = contents[n].withBytes { bytes -> ProgramEmissionError? in
                guard bytes.count >= constant.bytes else {
                    return .constantTooSmall(n, bytes: bytes.count, expectedBytes: constant.bytes)
                }
                let found = Digest(of: bytes)
                guard found == constant.digest else {
                    return .constantDiffers(n, found: found, expected: constant.digest)
                }
                put(UnsafeRawBufferPointer(rebasing: bytes[..<constant.bytes]))
                return nil
            }
            if let problem { throw problem }
            end = constant.offset + constant.bytes
        }
        pad(to: totalBytes)
    }

    private func header(_ program: Digest) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: WeightsLayout.headerBytes)
        out.replaceSubrange(0..<8, with: Array(WeightsLayout.magic.utf8))
        WeightsLayout.put(UInt32(WeightsLayout.version), at: 8, &out)
        WeightsLayout.put(UInt32(constants.count), at: 12, &out)
        WeightsLayout.put(UInt64(totalBytes), at: 16, &out)
        out.replaceSubrange(24..<56, with: digestBytes(program))
        return out
    }

    private static func put(_ value: some FixedWidthInteger, at offset: Int, _ out: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { out.replaceSubrange(offset..<offset + $0.count, with: $0) }
    }
}

/// The 32 bytes of a digest.
func digestBytes(_ digest: Digest) -> [UInt8] {
    let digits = digest.hex.utf8.map { $0 < 0x40 ? $0 - 0x30 : $0 - 0x61 + 10 }
    return (0..<32).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] }
}

func roundedUp(_ value: Int, to multiple: Int) -> Int { (value + multiple - 1) / multiple * multiple }
