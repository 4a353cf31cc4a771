// Why a bundle cannot be made. Facts only; ExportError+Message.swift renders.

import Basics
import Emit

package enum ExportError: Explained, Equatable {
    /// No letter or digit of the model's name can stand in a C identifier.
    case noExportName(model: String)
    /// A name that was asked for is no `[a-z][a-z0-9_]{0,62}`.
    case exportName(String)
    /// A name that was asked for means something to C, C++ or the C library already.
    case reservedName(String, instead: String)
    case program(ProgramEmissionError)
    /// A kernel of the program has no source, or a source belongs to no kernel.
    case kernelMissing(String)
    case kernelUnknown(String)
    case kernelTwice(String)
    /// A compiler flag holds a character that a shell or make could take for its own.
    case flag(String)
    /// The number of tensors of a test vector.
    case vectorCount(vector: Int, ProgramEmissionError.Side, found: Int, expected: Int)
    case vectorBytes(vector: Int, ProgramEmissionError.Side, index: Int, found: Int, expected: Int)
    case tolerance(relative: Double, absolute: Double)
}
