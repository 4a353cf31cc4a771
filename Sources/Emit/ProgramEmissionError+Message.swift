// The sentences of ProgramEmissionError.

import Basics
import ProgramIR

extension ProgramEmissionError {
    package var sentence: String {
        switch self {
        case .invalid(let error): "the program is not valid: \(error.sentence)"
        case .lanes(let count):
            "the program has \(count) lanes and programs of at most \(ProgramLanes.lanesMax) are printed as C; plan it "
                + "for fewer threads"
        case .counters(let count):
            "the program has one lane and \(counted(count, "counter")), which only lanes that run beside each other "
                + "need; plan it again"
        case .counterValue(let counter, let value):
            "the program publishes \(value) on counter \(counter), and counters count from 0 to "
                + "\(ProgramLanes.counterValueMax); plan it again"
        case .prefix(let prefix):
            "'\(escaped(prefix, limit: 80))' cannot begin the names of C functions; use a lower-case letter, then "
                + "letters, digits and '_', at most 63 in all"
        case .prefixTaken(let prefix):
            "the name '\(prefix)' is also that of a kernel's function in this program; choose another name"
        case .unknownTensor(let side, let index, let count, let buffer):
            "buffer \(buffer) of the program lies in \(side.rawValue) \(index), and the model has "
                + "\(counted(count, side.rawValue)); program and model do not belong together"
        case .tensorTooSmall(let side, let index, let name, let bytes, let bufferBytes):
            "\(side.rawValue) \(index) of the model, \"\(escaped(name, limit: 80))\", has \(bytes) bytes, and the "
                + "program uses \(bufferBytes) of it; program and model do not belong together"
        case .outputNeverWritten(let index, let name):
            "no step of the program can write output \(index) of the model, \"\(escaped(name, limit: 80))\", since no "
                + "buffer lies in it; program and model do not belong together"
        case .constantUnused(let index):
            "no buffer of the program lies in constant \(index), though there are higher numbers; number the constants "
                + "without gaps"
        case .constantCount(let found, let expected):
            "the program reads \(counted(expected, "constant")) and was given \(found); give the constants "
                + "of this program"
        case .constantTooSmall(let index, let bytes, let expectedBytes):
            "constant \(index) has \(bytes) bytes and the program reads \(expectedBytes); give the constants of this "
                + "program"
        case .constantDiffers(let index, let found, let expected):
            "the bytes of constant \(index) have digest \(found.short) and the program was planned for "
                + "\(expected.short); prepare the constants again"
        }
    }
}

private func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
