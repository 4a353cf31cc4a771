// Device class and calibration as texts: what is printed parses back to an equal value, what is wrong is said where
// it stands, and digests tell values apart.

import Basics
import Testing

@testable import DeviceModel

@Suite struct DeviceTextTests {
    private func deviceClass(_ random: inout SeededRandom) -> DeviceClass {
        let names = ["AuthenticAMD-26-2", "GenuineIntel-6-143", "a \"quoted\" back\\slash", ""]
        return DeviceClass(
            isa: ISA.allCases[random.below(3)], processor: names[random.below(names.count)],
            vectorRegisters: 1 + random.below(64), l1Bytes: 1 + random.below(1 << 20),
            l2Bytes: 1 + random.below(1 << 30), l3Bytes: random.below(1 << 40), lineBytes: 64,
            lanes: 1 + random.below(256))
    }

    private func calibration(_ random: inout SeededRandom) -> Calibration {
        func rate() -> Double { (random.unit() + 1e-9) * [1e-6, 1, 1e6][random.below(3)] }
        return Calibration(
            fmaFlopsPerNs: rate(), l2BytesPerNs: rate(), l3BytesPerNs: rate(), memoryBytesPerNs: rate(),
            mapOperatorsPerNs: rate(), packElementsPerNs: rate(), callNs: rate(), phaseNs: rate(), referenceNs: rate())
    }

    @Test func classesAndCalibrationsParseBack() throws {
        var random = SeededRandom(seed: 1)
        var digests: Set<Digest> = []
        for _ in 0..<200 {
            let kind = deviceClass(&random)
            #expect(try DeviceClass(parsing: kind.text) == kind, "\(kind.text)")
            let rates = calibration(&random)
            #expect(try Calibration(parsing: rates.text) == rates, "\(rates.text)")
            digests.formUnion([kind.digest, rates.digest])
        }
        #expect(digests.count == 400)
    }

    @Test func aClassPrintsOneFieldALine() {
        let kind = DeviceClass(
            isa: .avx2, processor: "GenuineIntel-6-143", vectorRegisters: 16, l1Bytes: 32768, l2Bytes: 1 << 20,
            l3Bytes: 0, lineBytes: 64, lanes: 4)
        #expect(
            kind.text == """
                device {
                  isa avx2
                  processor "GenuineIntel-6-143"
                  vectorRegisters 16
                  l1Bytes 32768
                  l2Bytes 1048576
                  l3Bytes 0
                  lineBytes 64
                  lanes 4
                }

                """)
    }

    private func sentence<T>(_ parse: () throws -> T) -> String {
        do {
            _ = try parse()
            return "parsed"
        } catch {
            return "\(error)"
        }
    }

    @Test func wrongTextsSayWhatAndWhere() throws {
        var random = SeededRandom(seed: 2)
        let kind = deviceClass(&random).text
        let rates = calibration(&random).text
        #expect(
            sentence { try DeviceClass(parsing: "device {\n  isa neon") }.hasSuffix(
                "unknown instruction set 'neon'; use avx512, avx2 or plain"))
        #expect(
            sentence { try DeviceClass(parsing: kind.replacing("l1Bytes", with: "l1")) }.contains(
                "expected 'l1Bytes', found 'l1'"))
        #expect(
            sentence { try DeviceClass(parsing: "calibration {") }
                == "line 1, column 1: expected 'device', found 'calibration'")
        #expect(sentence { try DeviceClass(parsing: kind + kind) }.contains("expected the end of the text"))
        #expect(sentence { try Calibration(parsing: rates + "}") }.contains("expected the end of the text"))
        let zero = "calibration { fmaFlopsPerNs 0.0 }"
        #expect(
            sentence { try Calibration(parsing: zero) }
                == "line 1, column 29: fmaFlopsPerNs must be a positive number, found '0.0'")
        #expect(
            sentence { try Calibration(parsing: zero.replacing("0.0", with: "-1.0")) }.contains(
                "fmaFlopsPerNs must be a positive number"))
        #expect(
            sentence { try Calibration(parsing: zero.replacing("0.0", with: "0x7f800000f32")) }.contains(
                "fmaFlopsPerNs must be a positive number"))
    }

    @Test func negativeSizesAreRefused() {
        let text = """
            device { isa avx2 processor "p" vectorRegisters 16 l1Bytes -1 l2Bytes 1 l3Bytes 1 lineBytes 64 lanes 1 }
            """
        #expect(
            sentence { try DeviceClass(parsing: text) } == "line 1, column 60: l1Bytes must be at least 1, found -1")
        #expect(sentence { try DeviceClass(parsing: text.replacing("-1", with: "1")) } == "parsed")
        #expect(
            sentence { try DeviceClass(parsing: text.replacing("-1", with: "1").replacing("lanes 1", with: "lanes 0")) }
                .hasSuffix("lanes must be at least 1, found 0"))
    }

    @Test func usableSharesAreThoseThatWereMeasured() {
        var random = SeededRandom(seed: 3)
        var kind = deviceClass(&random)
        (kind.l1Bytes, kind.l2Bytes) = (49152, 1 << 20)
        let device = Device(kind: kind, calibration: calibration(&random))
        #expect(device.l1UsableBytes == 39321)
        #expect(device.l2UsableBytes == 597688)
        #expect(ISA.allCases.map(\.vectorWidth) == [16, 8, 4])
        #expect(ISA.allCases.map(\.vectorRegisters) == [32, 16, 16])
    }
}
