// Prints one phase as a C function: typed restrict pointers, a loop over the tasks, then the statements one to one.
// Scratch buffers of at most 64 elements are local arrays, which a compiler may keep in registers; larger ones lie at
// the offsets of `Phase.scratchLayout`.

import DeviceModel
import KernelIR
import TensorIR

struct PhasePrinter {
    /// Scratch buffers of at most this many elements are local arrays.
    static let localElementsMax = 64

    let isa: ISA
    let phase: Phase
    private let tiles: [TileBlock: TileFunction]
    private let operands: [Buffer]
    /// Scratch buffers in order of their slots.
    private let scratch: [(dtype: DType, elements: Int)]
    private let slotTypes: [DType]
    var scalars: ScalarPrinter
    /// Whether a loop around the current statement is a vector loop.
    private(set) var insideVector = false
    private var depth = 0
    private var out: [String] = []

    /// - Parameter tiles: the functions of the unit's tile blocks.
    init(_ kernel: Kernel, phase index: Int, isa: ISA, tiles: [TileBlock: TileFunction] = [:]) {
        self.isa = isa
        self.tiles = tiles
        phase = kernel.phases[index]
        operands = kernel.buffers
        var allocated: [(dtype: DType, elements: Int)] = []
        Statement.visit(phase.body) { statement in
            if case .alloc(_, let dtype, let elements) = statement { allocated.append((dtype, elements)) }
        }
        scratch = allocated
        slotTypes = kernel.buffers.map(\.dtype) + allocated.map(\.dtype)
        let names = kernel.buffers.indices.map { "b\($0)" } + allocated.indices.map { "s\(kernel.buffers.count + $0)" }
        scalars = ScalarPrinter(slots: slotTypes, names: names)
        scalars.intervals.set(0, 0...max(0, phase.tasks - 1))
    }

    mutating func function(named name: String) -> [String] {
        out = []
        block("void \(name)(\(phaseParameters))") { printer in
            printer.operandPointers()
            printer.line("(void)operands, (void)scratch;")
            printer.block("for (int64_t v0 = first; v0 < last; ++v0)") { printer in
                printer.statements(printer.phase.body)
            }
        }
        return out
    }

    private mutating func operandPointers() {
        let (read, written) = used()
        for (slot, buffer) in operands.enumerated() where read.contains(slot) || written.contains(slot) {
            let type = (written.contains(slot) ? "" : "const ") + buffer.dtype.storageType
            line("\(type) *restrict b\(slot) = (\(type) *)operands[\(slot)];")
        }
    }

    private func used() -> (read: Set<Int>, written: Set<Int>) {
        var read: Set<Int> = []
        var written: Set<Int> = []
        func reads(_ expr: Expr) {
            expr.visit { if case .read(let slot, _) = $0 { read.insert(slot) } }
        }
        Statement.visit(phase.body) { statement in
            switch statement {
            case .alloc: break
            case .bind(_, let value): reads(value)
            case .loop(_, let from, let to, _, _, _):
                reads(from)
                reads(to)
            case .when(let condition, _): reads(condition)
            case .map(let slot, let index, let value):
                written.insert(slot)
                reads(index)
                reads(value)
            case .reduce(let reduce):
                written.insert(reduce.slot)
                let bounds = reduce.axes.flatMap { [$0.from, $0.to] }
                for expr in [reduce.index, reduce.value] + bounds { reads(expr) }
                if let condition = reduce.condition { reads(condition) }
            case .contract(let c):
                written.insert(c.acc)
                read.formUnion([c.a, c.b])
                for expr in [c.accIndex, c.aIndex, c.bIndex, c.depth] { reads(expr) }
            case .tile(let tile):
                written.insert(tile.into.slot)
                read.formUnion([tile.a, tile.b] + tile.operands.map(\.slot) + (tile.from.map { [$0.slot] } ?? []))
                for expr in [tile.aIndex, tile.bIndex, tile.depth] + tile.walks.map(\.index) { reads(expr) }
            }
        }
        return (read, written)
    }
}

// Statements.
extension PhasePrinter {
    private mutating func statements(_ body: [Statement]) {
        for statement in body {
            switch statement {
            case .bind(let variable, let value):
                scalars.intervals.set(variable, scalars.intervals[value])
                let text = scalars.index(value)
                flush()
                line("const int64_t v\(variable) = \(text.unbracketed);")
            case .loop(let variable, let from, let to, let step, let vector, let inner):
                loop(variable, from, to, step, vector, inner)
            case .alloc(let slot, let dtype, let elements): alloc(slot, dtype, elements)
            case .map(let slot, let index, let value):
                let at = scalars.index(index)
                let text = scalars.stored(value, as: slotTypes[slot])
                flush()
                line("\(scalars.names[slot])[\(at.unbracketed)] = \(text.unbracketed);")
            case .reduce(let reduction): reduce(reduction)
            case .contract(let c): contract(c)
            case .tile(let t): tile(t)
            case .when(let condition, let inner):
                let test = scalars.condition(condition)
                flush()
                block("if (\(test.unbracketed))") { $0.statements(inner) }
            }
        }
    }

    private mutating func loop(
        _ variable: Int, _ from: Expr, _ to: Expr, _ step: Int, _ vector: Bool, _ inner: [Statement]
    ) {
        let start = scalars.index(from)
        let end = bound(to, named: "e\(variable)")
        flush()
        scalars.intervals.setLoop(variable, from: from, to: to)
        let name = "v\(variable)"
        let advance = step == 1 ? "++\(name)" : "\(name) += \(step)"
        if vector { line("IW_VECTOR") } else if holdsTiles(inner) { line("IW_ROLLED") }
        let wasInside = insideVector
        insideVector = insideVector || vector
        block("for (int64_t \(name) = \(start); \(name) < \(end); \(advance))") { $0.statements(inner) }
        insideVector = wasInside
    }

    private func holdsTiles(_ body: [Statement]) -> Bool {
        var found = false
        Statement.visit(body) { if case .tile = $0 { found = true } }
        return found
    }

    /// The text of a loop's end, computed once before the loop unless it is a number or a variable.
    mutating func bound(_ expr: Expr, named name: String) -> String {
        let text = scalars.index(expr)
        if text.utf8.allSatisfy({ (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) }) { return text }
        flush()
        line("const int64_t \(name) = \(text.unbracketed);")
        return name
    }

    private mutating func alloc(_ slot: Int, _ dtype: DType, _ elements: Int) {
        let (name, type) = (scalars.names[slot], dtype.storageType)
        if elements <= PhasePrinter.localElementsMax {
            line("\(type) \(name)[\(elements)] __attribute__((aligned(64)));")
            return
        }
        let offset = phase.scratchLayout.offsets[slot - operands.count]
        let address = "(char *)scratch + \(offset)"
        line("\(type) *restrict \(name) = (\(type) *)__builtin_assume_aligned(\(address), 64);")
    }

    private mutating func contract(_ c: Contract) {
        let block = Block(c)
        func at(_ slot: Int, _ index: String) -> String {
            index == "0" ? scalars.names[slot] : "\(scalars.names[slot]) + \(index)"
        }
        let (acc, a, b) = (scalars.index(c.accIndex), scalars.index(c.aIndex), scalars.index(c.bIndex))
        let depth = scalars.index(c.depth)
        flush()
        var arguments = [at(c.acc, acc), "\(c.accStride)", at(c.a, a)]
        if !block.isPacked { arguments += ["\(c.aRow)", "\(c.aStep)"] }
        arguments += [at(c.b, b), "\(c.bStride)", depth]
        line("\(block.name)(\(arguments.joined(separator: ", ")));")
    }
}

extension PhasePrinter {
    fileprivate mutating func tile(_ tile: Tile) {
        let block = TileBlock(tile)
        guard let function = tiles[block] else { preconditionFailure("every tile's block is printed before") }
        func place(_ slot: Int, _ expr: Expr) -> String {
            let index = scalars.index(expr)
            return index == "0" ? scalars.names[slot] : "\(scalars.names[slot]) + \(index)"
        }
        let arguments = function.arguments(
            block, c: place(tile.into.slot, tile.into.index), f: tile.from.map { place($0.slot, $0.index) },
            a: place(tile.a, tile.aIndex), b: place(tile.b, tile.bIndex), depth: scalars.index(tile.depth),
            operands: tile.operands.map { place($0.slot, $0.index) })
        flush()
        line("\(function.name)(\(arguments.joined(separator: ", ")));")
    }
}

// Lines.
extension PhasePrinter {
    mutating func line(_ text: String) { out.append(String(repeating: "  ", count: depth) + text) }

    /// Prints what the scalar printer needs computed before the text it returned.
    mutating func flush() { for text in scalars.takeLines() { line(text) } }

    mutating func block(_ head: String, _ body: (inout PhasePrinter) -> Void) {
        line(head.isEmpty ? "{" : head + " {")
        depth += 1
        body(&self)
        depth -= 1
        line("}")
    }
}
