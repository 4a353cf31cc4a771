// One slot of a running kernel with its shadow: which elements hold a value, which task of the phase wrote or read
// each, and which iteration of the running vector loop did. Two tasks that touch one element, one of them writing,
// are found whatever order the tasks run in.

import TensorIR

struct SlotMemory {
    var floats: [Double]
    var integers: [Int64]
    let dtype: DType
    let elements: Int
    private var known: [Bool]
    /// Task of this phase that wrote; `nobody` if none. Empty for scratch, which no other task can see.
    private var writer: [Int32]
    private var reader: [Int32]
    /// Iteration stamps of the running vector loop; empty until a vector loop touches the slot.
    private var wroteIn: [Int] = []
    private var readIn: [Int] = []

    private static let nobody: Int32 = -1
    private static let several: Int32 = -2

    /// Uninitialised.
    init(dtype: DType, elements: Int, shared: Bool) {
        self.dtype = dtype
        self.elements = elements
        floats = [Double](repeating: 0, count: dtype.isFloat ? elements : 0)
        integers = [Int64](repeating: 0, count: dtype.isFloat ? 0 : elements)
        known = [Bool](repeating: false, count: elements)
        writer = [Int32](repeating: SlotMemory.nobody, count: shared ? elements : 0)
        reader = writer
    }

    /// Holds `value`, every element known.
    init(_ value: TensorValue) {
        self.init(dtype: value.type.dtype, elements: value.type.elements, shared: true)
        switch value.elements {
        case .floats(let values): floats = values
        case .integers(let values): integers = values
        }
        known = [Bool](repeating: true, count: elements)
    }

    mutating func forget() {
        for i in known.indices { known[i] = false }
    }

    mutating func beginPhase() {
        for i in writer.indices {
            writer[i] = SlotMemory.nobody
            reader[i] = SlotMemory.nobody
        }
    }

    /// Elements that the running phase has read or written, as rising ranges.
    var readRanges: [Range<Int>] { SlotMemory.touched(reader) }
    var writtenRanges: [Range<Int>] { SlotMemory.touched(writer) }

    private static func touched(_ tasks: [Int32]) -> [Range<Int>] {
        var out: [Range<Int>] = []
        for (index, task) in tasks.enumerated() where task != nobody {
            if let last = out.last, last.upperBound == index {
                out[out.count - 1] = last.lowerBound..<index + 1
            } else {
                out.append(index..<index + 1)
            }
        }
        return out
    }

    var firstUnknown: Int? { known.firstIndex(of: false) }

    /// What is wrong with reading element `i`, if anything.
    @inline(__always)
    mutating func noteRead(_ i: Int, task: Int32, _ vector: VectorScope?) -> KernelTrap.Kind? {
        guard i >= 0, i < elements else { return .outOfBounds(elements: elements) }
        if !known[i] { return .uninitialised }
        if !writer.isEmpty {
            if writer[i] != SlotMemory.nobody, writer[i] != task { return .race(otherTask: Int(writer[i])) }
            if reader[i] != task { reader[i] = reader[i] == SlotMemory.nobody ? task : SlotMemory.several }
        }
        if let vector {
            stampIfNeeded()
            if wroteIn[i] >= vector.first, wroteIn[i] != vector.iteration {
                return .vectorDependence(variable: vector.variable)
            }
            if readIn[i] >= vector.first, readIn[i] != vector.iteration {
                readIn[i] = -vector.first
            } else if readIn[i] != -vector.first {
                readIn[i] = vector.iteration
            }
        }
        return nil
    }

    /// What is wrong with writing element `i`, if anything; the element is known from now on.
    @inline(__always)
    mutating func noteWrite(_ i: Int, task: Int32, _ vector: VectorScope?) -> KernelTrap.Kind? {
        guard i >= 0, i < elements else { return .outOfBounds(elements: elements) }
        known[i] = true
        if !writer.isEmpty {
            if writer[i] != SlotMemory.nobody, writer[i] != task { return .race(otherTask: Int(writer[i])) }
            if reader[i] == SlotMemory.several { return .race(otherTask: nil) }
            if reader[i] != SlotMemory.nobody, reader[i] != task { return .race(otherTask: Int(reader[i])) }
            writer[i] = task
        }
        if let vector {
            stampIfNeeded()
            func elsewhere(_ stamp: Int) -> Bool { stamp >= vector.first && stamp != vector.iteration }
            let writtenElsewhere = elsewhere(wroteIn[i])
            let readElsewhere = readIn[i] == -vector.first || elsewhere(readIn[i])
            if writtenElsewhere || readElsewhere { return .vectorDependence(variable: vector.variable) }
            wroteIn[i] = vector.iteration
        }
        return nil
    }

    private mutating func stampIfNeeded() {
        guard wroteIn.isEmpty else { return }
        wroteIn = [Int](repeating: 0, count: elements)
        readIn = wroteIn
    }

    var value: TensorValue {
        let type = TensorType(dtype, [elements])
        return dtype.isFloat ? TensorValue(type, floats: floats) : TensorValue(type, integers: integers)
    }
}

/// The running vector loop: stamps grow over the whole run, so those of earlier loops are below `first`.
struct VectorScope {
    var variable: Int
    var first: Int
    var iteration: Int
}
