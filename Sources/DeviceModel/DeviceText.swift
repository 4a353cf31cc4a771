// The texts of device class and calibration: one `name value` per line inside braces, fixed order, all required.
//
//     device { isa avx512  processor "AuthenticAMD-26-2"  vectorRegisters 32  l1Bytes 49152 … }
//     calibration { fmaFlopsPerNs 166.0  l2BytesPerNs 110.0 … }

import Basics

extension DeviceClass {
    package var text: String {
        var out = TextWriter()
        out.block("device") { out in
            out.line("isa \(isa.rawValue)")
            out.line("processor \"\(escaped(processor))\"")
            for (name, value) in integers { out.line("\(name) \(value)") }
        }
        return out.text
    }

    private var integers: [(String, Int)] {
        [
            ("vectorRegisters", vectorRegisters), ("l1Bytes", l1Bytes), ("l2Bytes", l2Bytes), ("l3Bytes", l3Bytes),
            ("lineBytes", lineBytes), ("lanes", lanes),
        ]
    }

    /// Parses what `text` prints.
    package init(parsing text: String) throws(SyntaxError) {
        var lexer = try Lexer(text)
        try lexer.expectWord("device")
        try lexer.expect("{")
        try lexer.expectWord("isa")
        let start = lexer
        let name = try lexer.word("an instruction set")
        guard let isa = ISA(rawValue: name) else {
            throw start.fail("unknown instruction set '\(name)'; use avx512, avx2 or plain")
        }
        try lexer.expectWord("processor")
        let processor = try lexer.string("the processor's name in quotes")
        func field(_ name: String, atLeast least: Int = 1) throws(SyntaxError) -> Int {
            try lexer.expectWord(name)
            let before = lexer
            let value = try lexer.integer(name)
            guard value >= least else { throw before.fail("\(name) must be at least \(least), found \(value)") }
            return value
        }
        self.init(
            isa: isa, processor: processor, vectorRegisters: try field("vectorRegisters"),
            l1Bytes: try field("l1Bytes"), l2Bytes: try field("l2Bytes"), l3Bytes: try field("l3Bytes", atLeast: 0),
            lineBytes: try field("lineBytes"), lanes: try field("lanes"))
        try lexer.expect("}")
        guard lexer.token == .end else { throw lexer.fail("expected the end of the text, found \(lexer.found)") }
    }
}

extension Calibration {
    package var text: String {
        var out = TextWriter()
        out.block("calibration") { out in
            for (name, path) in Calibration.fields { out.line("\(name) \(numberText(self[keyPath: path]))") }
        }
        return out.text
    }

    private static var fields: [(String, WritableKeyPath<Calibration, Double>)] {
        [
            ("fmaFlopsPerNs", \.fmaFlopsPerNs), ("l2BytesPerNs", \.l2BytesPerNs), ("l3BytesPerNs", \.l3BytesPerNs),
            ("memoryBytesPerNs", \.memoryBytesPerNs), ("mapOperatorsPerNs", \.mapOperatorsPerNs),
            ("packElementsPerNs", \.packElementsPerNs), ("callNs", \.callNs), ("phaseNs", \.phaseNs),
            ("referenceNs", \.referenceNs),
        ]
    }

    /// Parses what `text` prints; every rate must be positive and finite.
    package init(parsing text: String) throws(SyntaxError) {
        var lexer = try Lexer(text)
        try lexer.expectWord("calibration")
        try lexer.expect("{")
        self.init(
            fmaFlopsPerNs: 1, l2BytesPerNs: 1, l3BytesPerNs: 1, memoryBytesPerNs: 1, mapOperatorsPerNs: 1,
            packElementsPerNs: 1, callNs: 1, phaseNs: 1, referenceNs: 1)
        for (name, path) in Calibration.fields {
            try lexer.expectWord(name)
            guard case .number(let spelling) = lexer.token, !spelling.hasPrefix("0x"), let value = Double(spelling),
                value > 0, value.isFinite
            else { throw lexer.fail("\(name) must be a positive number, found \(lexer.found)") }
            self[keyPath: path] = value
            try lexer.advance()
        }
        try lexer.expect("}")
        guard lexer.token == .end else { throw lexer.fail("expected the end of the text, found \(lexer.found)") }
    }
}
