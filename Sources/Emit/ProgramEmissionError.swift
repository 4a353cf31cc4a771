// Why a program is not printed as C: it is not valid, it asks for what this printer does not print, or it does not fit
// the model that it is to be printed for. Facts only; ProgramEmissionError+Message.swift renders.

import Basics
import ProgramIR

package enum ProgramEmissionError: Explained, Equatable {
    package enum Side: String, Hashable, Sendable { case input, output }

    case invalid(ProgramError)
    /// More lanes than are printed.
    case lanes(Int)
    /// Counters are for programs of several lanes.
    case counters(Int)
    /// A published value does not fit below the number of a run.
    case counterValue(counter: Int, Int64)
    /// The prefix of all symbols is no `[a-z][a-z0-9_]{0,62}`.
    case prefix(String)
    /// The prefix is also the name of a kernel's function.
    case prefixTaken(String)
    /// A buffer lies in an input or output that the model does not have.
    case unknownTensor(Side, index: Int, count: Int, buffer: Int)
    /// A buffer is larger than the tensor of the model that it lies in.
    case tensorTooSmall(Side, index: Int, name: String, bytes: Int, bufferBytes: Int)
    /// No buffer lies in this output, so that nothing would ever write it.
    case outputNeverWritten(index: Int, name: String)
    /// No buffer lies in a constant below the highest number in use.
    case constantUnused(Int)

    case constantCount(found: Int, expected: Int)
    case constantTooSmall(Int, bytes: Int, expectedBytes: Int)
    case constantDiffers(Int, found: Digest, expected: Digest)
}
