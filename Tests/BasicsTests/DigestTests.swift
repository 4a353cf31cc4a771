// SHA-256 against the published vectors and against lengths around the block border, and the hex text of a digest:
// catalog keys and wire identities hang on both.

import Basics
import CDigest
import Testing

@Suite struct DigestTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        ("é\n", "edd3a863872a04239eb29ad4bc12fc892b3d4ae57cc7e786a3697816f8e141c2"),
    ])
    func publishedVectors(_ text: String, _ hex: String) {
        #expect(Digest(of: text).hex == hex)
        #expect(Digest(of: Array(text.utf8)).hex == hex)
    }

    @Test func aMillionLetters() {
        let digest = Digest(of: [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000))
        #expect(digest.hex == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    /// Bytes `i % 251`, lengths on both sides of where padding needs another block.
    @Test(arguments: [
        (55, "463eb28e72f82e0a96c0a4cc53690c571281131f672aa229e0d45ae59b598b59"),
        (56, "da2ae4d6b36748f2a318f23e7ab1dfdf45acdc9d049bd80e59de82a60895f562"),
        (63, "29af2686fd53374a36b0846694cc342177e428d1647515f078784d69cdb9e488"),
        (64, "fdeab9acf3710362bd2658cdc9a29e8f9c757fcf9811603a8c447cd1d9151108"),
        (65, "4bfd2c8b6f1eec7a2afeb48b934ee4b2694182027e6d0fc075074f2fabb31781"),
        (119, "da18797ed7c3a777f0847f429724a2d8cd5138e6ed2895c3fa1a6d39d18f7ec6"),
        (120, "f52b23db1fbb6ded89ef42a23ce0c8922c45f25c50b568a93bf1c075420bbb7c"),
        (128, "471fb943aa23c511f6f72f8d1652d9c880cfa392ad80503120547703e56a2be5"),
    ])
    func lengthsAroundABlock(_ count: Int, _ hex: String) {
        #expect(Digest(of: (0..<count).map { UInt8($0 % 251) }).hex == hex)
    }

    @Test func hexParsesBack() throws {
        for n in 0..<200 {
            let digest = Digest(of: "n\(n)")
            #expect(digest.hex.utf8.count == 64)
            #expect(try #require(Digest(hex: digest.hex)) == digest)
            #expect(digest.short == String(digest.hex.prefix(12)))
            #expect(digest.description == digest.hex)
        }
        let zeros = String(repeating: "0", count: 63) + "1"
        #expect(try #require(Digest(hex: zeros)).hex == zeros)
    }

    @Test func onlyLowerCaseHexIsADigest() {
        let hex = Digest(of: "abc").hex
        for damaged in [
            "", String(hex.dropLast()), hex + "0", hex.uppercased(), "g" + hex.dropFirst(), " " + hex.dropFirst(),
            String(hex.dropLast(2)) + "é",
        ] { #expect(Digest(hex: damaged) == nil) }
    }

    @Test func orderIsThatOfTheHex() {
        let digests = (0..<100).map { Digest(of: "\($0)") }
        #expect(digests.sorted().map(\.hex) == digests.map(\.hex).sorted())
    }

    @Test func seedIsTheFirstEightBytes() {
        #expect(Digest(of: "abc").seed == 0xba78_16bf_8f01_cfea)
    }

    @Test func theProcessorsOwnRoundsGiveTheSameDigest() {
        var random = SeededRandom(seed: 3)
        for length in [0, 1, 55, 56, 63, 64, 65, 127, 128, 1000, 4097] {
            let bytes = (0..<length).map { _ in UInt8(random.below(256)) }
            func digest(portably: Bool) -> [UInt8] {
                var context = iw_sha256()
                iw_sha256_begin(&context)
                if portably { context.uses_instructions = 0 }
                iw_sha256_update(&context, bytes, length)
                var out = [UInt8](repeating: 0, count: 32)
                iw_sha256_end(&context, &out)
                return out
            }
            #expect(digest(portably: true) == digest(portably: false), "\(length) bytes")
        }
    }
}
