// The header of a bundle: the interface of Emit inside what C++ and repeated inclusion ask for, with the tensors of
// this model as a table. Names of tensors stand there as C strings, which cannot end a comment.

import Emit
import TensorIR

func headerText(_ request: BundleRequest) -> String {
    let guardName = "IRONWORKS_" + request.name.uppercased() + "_H"
    var rows: [String] = []
    func table(_ side: String, _ tensors: [ModelDescription.Tensor]) {
        for (index, tensor) in tensors.enumerated() {
            let shape = tensor.type.shape.map(String.init).joined(separator: " x ")
            rows.append(
                "   \(side) \(index): \(tensor.type.dtype.rawValue)[\(shape)], \(tensor.type.bytes) bytes, "
                    + cStringLiteral(tensor.name))
        }
    }
    table("input", request.model.inputs)
    table("output", request.model.outputs)
    return """
        /* \(cStringLiteral(request.model.name)), one model as a library. Link lib\(request.name).so or .a and load
           weights.bin of the same bundle. Needs the C library only\(lanes(request)).
           Instruction set: \(request.isa.name).

        \(rows.joined(separator: "\n"))
        */
        #ifndef \(guardName)
        #define \(guardName)

        #include <stddef.h>
        #include <stdint.h>

        #ifdef __cplusplus
        extern "C" {
        #endif

        \(programDeclarations(prefix: request.name))
        #ifdef __cplusplus
        }
        #endif

        #endif

        """
}

/// What a caller has to know of the lanes, in the middle of a sentence.
private func lanes(_ request: BundleRequest) -> String {
    let count = request.lanes
    return count == 1 ? "" : "; a model has \(count) lanes, each a thread:\n   the caller's and \(count - 1) of its own"
}
