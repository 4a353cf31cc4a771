// How fast a model could be at best on a device: no program multiplies faster than the FMA units do, and none reads
// its constants faster than the level of memory that holds them all. Input: a graph and a calibrated device. Output:
// the two amounts of work and the limit in nanoseconds. Intermediate tensors are not counted, so the limit is one.

import DeviceModel
import TensorIR

struct ModelLimit: Equatable {
    /// Two per multiply-add of every contraction.
    var contractionFlops: Double
    /// Bytes of constants that one run has to read, each once.
    var constantBytes: Double

    init(contractionFlops: Double, constantBytes: Double) {
        self.contractionFlops = contractionFlops
        self.constantBytes = constantBytes
    }

    init(_ graph: Graph) {
        self.init(contractionFlops: 0, constantBytes: 0)
        var constants: [ValueID: Double] = [:]
        var read: [ValueID: Double] = [:]
        for operation in graph.body.operations {
            switch operation {
            case .constant(let value, _): constants[value] = Double(graph.type(value).bytes)
            case .define(_, let operands, let definition):
                contractionFlops += flops(definition)
                let points = definition.axisExtents.reduce(1.0) { $0 * Double($1) }
                for slot in definition.slotsRead where constants[operands[slot]] != nil {
                    // a table of which a run looks up a few rows is not read whole
                    read[operands[slot], default: 0] += points * Double(graph.type(operands[slot]).dtype.bytes)
                }
            case .extern, .loop, .branch, .call: continue
            }
        }
        for (value, bytes) in read.sorted(by: { $0.key < $1.key }) {
            constantBytes += min(bytes, constants[value] ?? 0)
        }
    }

    /// The longer of multiplying and reading, when `lanes` lanes share both evenly. Rates are those of one processor,
    /// and every lane has its own: what they share beyond that makes a program slower, not the limit lower.
    func ns(_ device: Device, lanes: Int = 1) -> Double {
        let calibration = device.calibration
        let bytesPerNs = bytesPerNs(device, lanes: lanes)
        return max(contractionFlops / calibration.fmaFlopsPerNs, constantBytes / bytesPerNs) / Double(lanes)
    }

    /// One lane's bandwidth of the level that holds its share of the constants.
    private func bytesPerNs(_ device: Device, lanes: Int) -> Double {
        if constantBytes <= Double(device.l2UsableBytes * lanes) { return device.calibration.l2BytesPerNs }
        return constantBytes <= Double(device.kind.l3Bytes)
            ? device.calibration.l3BytesPerNs : device.calibration.memoryBytesPerNs
    }
}

/// Floating-point operations of a sum of products whose factors run over different axes; 0 for anything else.
private func flops(_ definition: Definition) -> Double {
    guard case .reduce(.sum, _, nil, .binary(.multiply, let a, let b)) = definition.body,
        definition.type.dtype.isFloat
    else { return 0 }
    let axes = definition.axisExtents.indices
    guard axes.contains(where: { a.usesAxis(in: $0..<$0 + 1) != b.usesAxis(in: $0..<$0 + 1) }) else { return 0 }
    return definition.axisExtents.reduce(2.0) { $0 * Double($1) }
}
