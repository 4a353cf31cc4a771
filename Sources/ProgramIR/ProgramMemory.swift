// The bytes a program runs on: inputs, outputs, constants and arena in one block, so that two addresses overlap
// exactly when their absolute ranges do, whatever buffers they came through.

import TensorIR

package struct ProgramMemory: Hashable, Sendable {
    private var bytes: [UInt8]
    /// First byte of each buffer of the program.
    private let starts: [Int]
    private let outputs: [Range<Int>]

    private static let lineBytes = 64

    /// - Parameters:
    ///   - inputs: bytes of input n of the model, at least as many as every buffer placed there has.
    ///   - constants: the same for constants.
    /// Outputs and the arena begin as zeros.
    package init(_ program: Program, inputs: [[UInt8]], constants: [[UInt8]]) {
        var bytes: [UInt8] = []
        func region(_ content: [UInt8]) -> Range<Int> {
            let start = bytes.count
            bytes.append(contentsOf: content)
            let end = bytes.count
            bytes.append(contentsOf: [UInt8](repeating: 0, count: (ProgramMemory.lineBytes - end % 64) % 64))
            return start..<end
        }
        let inputRegions = inputs.map(region)
        let constantRegions = constants.map(region)
        var outputBytes: [Int] = []
        for buffer in program.buffers {
            guard case .output(let n) = buffer.place else { continue }
            while outputBytes.count <= n { outputBytes.append(0) }
            outputBytes[n] = max(outputBytes[n], buffer.bytes)
        }
        outputs = outputBytes.map { region([UInt8](repeating: 0, count: $0)) }
        let arena = region([UInt8](repeating: 0, count: program.arenaBytes))
        var starts: [Int] = []
        for buffer in program.buffers {
            let whole: Range<Int>
            switch buffer.place {
            case .input(let n): whole = inputRegions[n]
            case .constant(let n, _): whole = constantRegions[n]
            case .output(let n): whole = outputs[n]
            case .arena(let offset): whole = (arena.lowerBound + offset)..<arena.upperBound
            }
            precondition(buffer.bytes <= whole.count, "a buffer is larger than what it is placed in")
            starts.append(whole.lowerBound)
        }
        self.starts = starts
        self.bytes = bytes
    }

    /// The bytes of output n of the model.
    package func output(_ n: Int) -> [UInt8] { Array(bytes[outputs[n]]) }

    /// The bytes of a buffer of `program`.
    package func contents(_ program: Program, buffer: Int) -> [UInt8] {
        Array(bytes[starts[buffer]..<starts[buffer] + program.buffers[buffer].bytes])
    }

    /// Absolute position of byte `offset` of a buffer.
    func position(buffer: Int, offset: Int) -> Int { starts[buffer] + offset }

    /// The integer or bool at a position.
    func element(at position: Int, _ dtype: DType) -> Int64 {
        bytes.withUnsafeBytes { all in
            let slice = UnsafeRawBufferPointer(rebasing: all[position..<position + dtype.bytes])
            guard case .integers(let values) = TensorValue(TensorType(dtype, []), bytes: slice).elements else {
                preconditionFailure("a scalar is loaded as a float")
            }
            return values[0]
        }
    }

    /// Calls `body` with the bytes of each absolute range; ranges may overlap.
    mutating func withRanges<E: Error>(
        _ ranges: [Range<Int>], _ body: ([UnsafeMutableRawBufferPointer]) throws(E) -> Void
    ) throws(E) {
        try bytes.withUnsafeMutableBufferPointer { (all) throws(E) in
            let raw = UnsafeMutableRawBufferPointer(all)
            try body(ranges.map { UnsafeMutableRawBufferPointer(rebasing: raw[$0]) })
        }
    }
}
