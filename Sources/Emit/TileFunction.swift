// The C functions behind tile statements. A source of one kernel has a function per block. In a source of several
// kernels blocks share a function when their multiply-adds are the same, since those are most of what compiling costs:
// a call then says by number how the accumulators start and what becomes of the sums.

import DeviceModel
import KernelIR

/// The C function of one block, or of several with one core: a call then says by number how it starts and how it ends.
struct TileFunction {
    let name: String
    private let blocks: [TileBlock]
    private let starts: [Tile.Walk?]
    private let ends: [TileEnd]

    /// - Parameter blocks: at least one; their cores are equal.
    init(name: String, blocks: [TileBlock]) {
        self.name = name
        self.blocks = blocks
        starts = blocks.map(\.tile.from).distinct()
        ends = blocks.map(\.end).distinct()
    }

    private var takesStart: Bool { starts.contains { $0 != nil } }
    private var operandCount: Int { ends.map(\.operands.count).max() ?? 0 }

    /// Multiply-adds in flight that hide their latency.
    private static let accumulatorsMin = 8

    func text(_ isa: ISA) -> [String] {
        let core = blocks[0].tile
        let printer = TileBlockPrinter(core, lanes: isa.lanes(dividing: core.columns), registers: isa.vectorRegisters)
        let apart = blocks.contains(where: \.continues) ? "" : "restrict "
        var arguments = ["float *\(apart)c"]
        if takesStart { arguments.append("const float *\(apart)f") }
        arguments += ["const float *restrict a", "const float *restrict b", "int64_t depth"]
        arguments += (0..<operandCount).map { "const float *restrict p\($0 + 1)" }
        if starts.count > 1 { arguments.append("int64_t start") }
        if ends.count > 1 { arguments.append("int64_t end") }
        var out = ["static __attribute__((noinline)) void \(name)(", "    \(arguments.joined(separator: ", "))) {"]
        let count = core.rows * printer.vectors
        let steps = core.inner.last?.extent
        var sets = count >= Self.accumulatorsMin ? 1 : count >= Self.accumulatorsMin / 2 ? 2 : 4
        while let steps, steps % sets != 0 { sets /= 2 }
        out += printer.initial(sets, from: starts.count == 1 ? starts[0] : nil)
        if starts.count > 1 {
            out += cases("start", starts) { $0.map(printer.resumed) ?? [] }
        }
        out += printer.depth(sets)
        out += ends.count == 1 ? printer.stores(sets, ends[0]) : cases("end", ends) { printer.stores(sets, $0) }
        return out + ["}"]
    }

    private func cases<Form>(_ name: String, _ forms: [Form], _ text: (Form) -> [String]) -> [String] {
        var out = ["  switch (\(name)) {"]
        for (n, form) in forms.enumerated() {
            out.append("  case \(n): {")
            out += text(form).map { "  " + $0 }
            out.append("  } break;")
        }
        return out + ["  }"]
    }

    /// The arguments of a call, in order; pointers that its form does not use are null.
    func arguments(
        _ block: TileBlock, c: String, f: String?, a: String, b: String, depth: String, operands: [String]
    ) -> [String] {
        var out = [c]
        if takesStart { out.append(f ?? "0") }
        out += [a, b, depth] + operands + Array(repeating: "0", count: operandCount - operands.count)
        if starts.count > 1, let start = starts.firstIndex(of: block.tile.from) { out.append("\(start)") }
        if ends.count > 1, let end = ends.firstIndex(of: block.end) { out.append("\(end)") }
        return out
    }
}

extension Array where Element: Hashable {
    fileprivate func distinct() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}

/// The functions behind the tiles of some kernels, in order of first use. With several kernels blocks of one core share
/// a function: the multiply-adds are most of what compiling costs.
func tileFunctions(of kernels: [Kernel]) -> [(function: TileFunction, blocks: [TileBlock])] {
    var groups: [[TileBlock]] = []
    var seen: Set<TileBlock> = []
    var groupOf: [Tile: Int] = [:]
    for phase in kernels.flatMap(\.phases) {
        Statement.visit(phase.body) { statement in
            guard case .tile(let tile) = statement else { return }
            let block = TileBlock(tile)
            guard seen.insert(block).inserted else { return }
            if kernels.count > 1, let group = groupOf[block.core] {
                groups[group].append(block)
            } else {
                groupOf[block.core] = groups.count
                groups.append([block])
            }
        }
    }
    return groups.enumerated().map { (TileFunction(name: "iw_block_t\($0)", blocks: $1), $1) }
}
