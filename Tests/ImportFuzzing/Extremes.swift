// Values at the edges: where sizes overflow, where floats are no numbers, where names break lines. The mutators draw
// from these lists. Input: a generator. Output: one value. Middling values are in them too, since only a nearly right
// model gets far.

import Basics

/// Integers around the limits of the importer and of 32 and 64 bits.
let extremeIntegers: [Int64] = [
    -1, 0, 1, 2, 3, 7, 16, 17, 255, 65_537, -2, -3, -128, 1 << 20, 1 << 24, 1 << 31 - 1, 1 << 31, -(1 << 31), 1 << 32,
    1 << 33 + 1, 1 << 40, 1 << 41, 1 << 60, 1 << 61, 1 << 62, .max, .max - 1, .min, .min + 1,
]

let extremeFloats: [Float] = [
    0, -0.0, 1, -1, 0.5, 2, 1e-30, 1e30, -1e30, .nan, .infinity, -.infinity, .greatestFiniteMagnitude,
    .leastNonzeroMagnitude, 16_777_216, 1e9, 1e18,
]

let extremeDoubles: [Double] = [0, -0.0, 1, 1e-300, 1e300, .nan, .infinity, -.infinity, 9.3e18, -9.3e18, 1e-9]

/// Texts that a sentence must not repeat as they are, that no folder has, or that are very long.
let extremeTexts: [String] = [
    "", " ", "\n", "a\nb", "\u{1b}[31m", "x\u{7f}", "a\0b", "a\"b'c", "%s%n", "../data.bin", "/etc/passwd", "\u{202e}x",
    "\u{1f600}", "x=1", "-1", "?", "0", "N", "ai.onnx", "\r", "\u{85}", "\u{2028}",
    String(repeating: "long", count: 2_000),
]

/// Locations of external data: odd ones, and what the fuzzer lays beside a case.
let externalLocations: [String] = [
    "data.bin", "./data.bin", "folder/../data.bin", "folder", "folder/inner.bin", "pipe", "link", "inner-link",
    "absent", "", "/", "..", "../data.bin", "/etc/passwd", "/dev/zero", "case.onnx", "data.bin\0", "./././data.bin",
    String(repeating: "a/", count: 3_000) + "b",
]

extension SeededRandom {
    mutating func integer() -> Int64 {
        switch below(4) {
        case 0: Int64(below(9)) - 2
        case 1: Int64(bitPattern: next())
        default: pick(extremeIntegers)
        }
    }

    mutating func float() -> Float { once(in: 4) ? Float(unit() * 20 - 10) : pick(extremeFloats) }

    mutating func double() -> Double { once(in: 4) ? unit() * 20 - 10 : pick(extremeDoubles) }

    mutating func text() -> String { pick(extremeTexts) }

    /// A length of a list: mostly short.
    mutating func length() -> Int { pick([0, 1, 1, 2, 2, 3, 4, 5, 8, 17, 100, 5_000]) }
}
