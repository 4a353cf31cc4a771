// A digest names a text for ever: catalog keys, wire identities and caches are digests over canonical text.
// SHA-256; prints as 64 hex digits and parses back. The first 12 digits are what a person sees.

import CDigest

/// A SHA-256 digest, ordered by its bytes.
package struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    private let word0: UInt64, word1: UInt64, word2: UInt64, word3: UInt64

    /// Digests a byte sequence.
    package init(of bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { Digest(of: $0) }
    }

    /// Digests the UTF-8 bytes of a text.
    package init(of text: String) {
        var copy = text
        self = copy.withUTF8 { Digest(of: UnsafeRawBufferPointer($0)) }
    }

    /// Digests a raw buffer; linear in its size.
    package init(of buffer: UnsafeRawBufferPointer) {
        var context = iw_sha256()
        iw_sha256_begin(&context)
        if let base = buffer.baseAddress { iw_sha256_update(&context, base, buffer.count) }
        var bytes = [UInt8](repeating: 0, count: 32)
        iw_sha256_end(&context, &bytes)
        self.init(bytes: bytes)
    }

    /// Parses 64 lower-case hex digits; `nil` for anything else.
    package init?(hex: some StringProtocol) {
        guard hex.utf8.count == 64 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in hex.utf8 {
            let value: UInt8
            switch digit {
            case 0x30...0x39: value = digit - 0x30
            case 0x61...0x66: value = digit - 0x61 + 10
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        self.init(bytes: bytes)
    }

    private init(bytes: [UInt8]) {
        func word(_ at: Int) -> UInt64 { (0..<8).reduce(0) { $0 << 8 | UInt64(bytes[at * 8 + $1]) } }
        (word0, word1, word2, word3) = (word(0), word(1), word(2), word(3))
    }

    package var hex: String { [word0, word1, word2, word3].map(Digest.hexDigits).joined() }
    package var short: String { String(hex.prefix(12)) }
    package var description: String { hex }

    /// The first 64 bits, for seeding and sampling.
    package var seed: UInt64 { word0 }

    package static func < (a: Digest, b: Digest) -> Bool {
        (a.word0, a.word1, a.word2, a.word3) < (b.word0, b.word1, b.word2, b.word3)
    }

    private static func hexDigits(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
