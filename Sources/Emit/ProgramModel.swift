// What a program's C needs to know beside the program: the tensors that a caller passes, under the model's own names,
// and the processor features without which the kernels would die of an illegal instruction. Names come from a model
// file and are untrusted: they reach C only through `cStringLiteral`.

import TensorIR

/// The face of a model: its tensors in the order of `Program`'s input and output numbers.
package struct ModelDescription: Hashable, Sendable {
    package struct Tensor: Hashable, Sendable {
        /// As the model spells it; any text.
        package var name: String
        /// Row-major.
        package var type: TensorType
        package init(name: String, type: TensorType) {
            self.name = name
            self.type = type
        }
    }
    /// As a person calls the model; any text.
    package var name: String
    package var inputs: [Tensor]
    package var outputs: [Tensor]
    /// Outputs of which only a part counts; how much is an output of its own behind the model's.
    package var extents: [ResultExtent]

    package init(name: String, inputs: [Tensor], outputs: [Tensor], extents: [ResultExtent] = []) {
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.extents = extents
    }
}

/// A processor feature of x86-64, named as compilers name it.
package enum CPUFeature: String, Hashable, Sendable, CaseIterable {
    case avx2, fma, f16c, bmi, bmi2, lzcnt, movbe
    case avx512f, avx512bw, avx512cd, avx512dq, avx512vl

    /// Where cpuid reports it.
    enum Register: Hashable, CaseIterable { case leaf1ecx, leaf7ebx, extendedECX }

    var place: (register: Register, bit: Int) {
        switch self {
        case .fma: (.leaf1ecx, 12)
        case .movbe: (.leaf1ecx, 22)
        case .f16c: (.leaf1ecx, 29)
        case .bmi: (.leaf7ebx, 3)
        case .avx2: (.leaf7ebx, 5)
        case .bmi2: (.leaf7ebx, 8)
        case .avx512f: (.leaf7ebx, 16)
        case .avx512dq: (.leaf7ebx, 17)
        case .avx512cd: (.leaf7ebx, 28)
        case .avx512bw: (.leaf7ebx, 30)
        case .avx512vl: (.leaf7ebx, 31)
        case .lzcnt: (.extendedECX, 5)
        }
    }

    /// Bits of XCR0 that the operating system has to have set: xmm and ymm, for AVX-512 also the mask and zmm state.
    var stateBits: Int {
        switch self {
        case .avx512f, .avx512bw, .avx512cd, .avx512dq, .avx512vl: 0xe6
        case .avx2, .fma, .f16c: 0x06
        case .bmi, .bmi2, .lzcnt, .movbe: 0
        }
    }
}

/// The instruction set that kernels were compiled for, as far as a program must check it before it runs them.
package struct InstructionSet: Hashable, Sendable {
    package var name: String
    package var features: [CPUFeature]

    /// The baseline of the target: nothing to check.
    package static let plain = InstructionSet(name: "plain", features: [])
    /// What `-march=x86-64-v3` may use.
    package static let avx2 = InstructionSet(
        name: "avx2", features: [.avx2, .fma, .f16c, .bmi, .bmi2, .lzcnt, .movbe])
    /// What `-march=x86-64-v4` may use.
    package static let avx512 = InstructionSet(
        name: "avx512", features: avx2.features + [.avx512f, .avx512bw, .avx512cd, .avx512dq, .avx512vl])

    /// The set with this name: `plain`, `avx2` or `avx512`.
    package init?(named name: String) {
        let known: [InstructionSet] = [.plain, .avx2, .avx512]
        guard let set = known.first(where: { $0.name == name }) else { return nil }
        self = set
    }

    private init(name: String, features: [CPUFeature]) {
        self.name = name
        self.features = features
    }
}

/// `text` as a C and C++ string literal of its UTF-8 bytes, quotes included, that may stand in code and in comments.
/// Everything but plain ASCII is an octal escape of three digits, which no following digit can lengthen; `?` (of
/// trigraphs) and `*` (of comment marks) are escaped too.
package func cStringLiteral(_ text: String) -> String {
    var out: [UInt8] = [UInt8(ascii: "\"")]
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "?"), UInt8(ascii: "*"): out += octalEscape(byte)
        case 0x20...0x7e: out.append(byte)
        default: out += octalEscape(byte)
        }
    }
    out.append(UInt8(ascii: "\""))
    return String(decoding: out, as: UTF8.self)
}

private func octalEscape(_ byte: UInt8) -> [UInt8] {
    let zero = UInt8(ascii: "0")
    return [UInt8(ascii: "\\"), zero + (byte >> 6), zero + (byte >> 3 & 7), zero + (byte & 7)]
}
