// Weights that do not stay in L2 while a whole program runs must not stay there while one kernel is timed. Readings
// rotate through copies of a kernel's constants, so that every call finds them where a program would: beyond L2, and
// beyond L3 when that can be done with a bounded amount of memory. Small constants are read again at once, as the inner
// loops of a model's small layers do.

import DeviceModel
import Runtime

/// Share of L2 that constants may fill and still be there at the next call.
private let residentFraction = 4
/// Bytes of all copies at most.
private let copiesBytesMax = 256 << 20

/// Copies of the constants among `operands` to rotate through; 1 when they are small.
func constantCopies(_ operands: [Operand], _ device: Device) -> Int {
    let bytes = operands.reduce(0) { $1.role == .constant ? $0 + $1.bytes : $0 }
    guard bytes > device.kind.l2Bytes / residentFraction else { return 1 }
    let wanted = min(copiesBytesMax, max(2 * device.kind.l3Bytes, 4 * device.kind.l2Bytes))
    return max(1, (wanted + bytes - 1) / bytes)
}
