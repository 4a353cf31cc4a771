// Contraction blocks: the micro-kernels behind `contract`. One static function per (rows, columns, A packed or
// strided, store or add), flat text, one named vector variable per accumulator, so that a compiler keeps all of them
// in registers for the whole depth. Strides are arguments; A is read one scalar per row and step, B one row of
// vectors per step. With fewer than eight accumulators the fused multiply-adds would wait for each other, so the
// depth is unrolled over two or four independent sets that are added at the end.

import DeviceModel
import KernelIR

struct Block: Hashable, Comparable {
    var rows: Int
    var columns: Int
    /// A lies as [k][rows]: rows are neighbours and a step is `rows` floats.
    var isPacked: Bool
    var accumulates: Bool

    init(_ contract: Contract) {
        rows = contract.rows
        columns = contract.columns
        isPacked = contract.aRow == 1 && contract.aStep == contract.rows
        accumulates = contract.accumulate
    }

    var name: String {
        "iw_block_\(rows)x\(columns)_\(isPacked ? "packed" : "strided")_\(accumulates ? "add" : "store")"
    }

    private var order: [Int] { [rows, columns, isPacked ? 1 : 0, accumulates ? 1 : 0] }
    static func < (a: Block, b: Block) -> Bool { a.order.lexicographicallyPrecedes(b.order) }
}

extension Block {
    /// Multiply-adds in flight that hide their latency.
    private static let accumulatorsMin = 8

    /// The C function.
    func text(_ isa: ISA) -> [String] {
        let lanes = isa.lanes(dividing: columns)
        let vectors = columns / lanes
        let unused = isPacked ? "  (void)c_row;" : "  (void)c_row, (void)a_row;"
        let sets = rows * vectors >= Block.accumulatorsMin ? 1 : rows * vectors >= Block.accumulatorsMin / 2 ? 2 : 4
        let vector = "iw_v\(lanes)"
        var out = [
            "static __attribute__((noinline)) void \(name)(float *restrict c, int64_t c_row,",
            "    const float *restrict a, \(isPacked ? "" : "int64_t a_row, int64_t a_step, ")const float *restrict b,",
            "    int64_t b_step, int64_t depth) {",
        ]
        if rows == 1 { out.append(unused) }
        for set in 0..<sets {
            for row in 0..<rows {
                let initial = (0..<vectors).map { column in
                    let start = accumulates && set == 0 ? load(lanes, "c", row, "c_row", column) : "{0}"
                    return "\(accumulator(set, row, column)) = \(start)"
                }
                out.append("  \(vector) \(initial.joined(separator: ", "));")
            }
        }
        if sets > 1 {
            out.append("  int64_t k = 0;")
            out.append("  for (; k + \(sets) <= depth; k += \(sets)) {")
            for set in 0..<sets { out += step(set, lanes, vectors, isa) }
            out.append("  }")
            out.append("  for (; k < depth; ++k) {")
        } else {
            out.append("  for (int64_t k = 0; k < depth; ++k) {")
        }
        out += step(0, lanes, vectors, isa)
        out.append("  }")
        out += stores(sets, lanes, vectors)
        out.append("}")
        return out
    }

    private func accumulator(_ set: Int, _ row: Int, _ column: Int) -> String {
        (set == 0 ? "c" : "d\(set)_") + "\(row)_\(column)"
    }

    private func offset(_ row: Int, _ stride: String) -> String {
        row == 0 ? "" : row == 1 ? " + \(stride)" : " + \(row) * \(stride)"
    }

    private func load(_ lanes: Int, _ base: String, _ row: Int, _ stride: String, _ column: Int) -> String {
        let at = base + offset(row, stride) + (column == 0 ? "" : " + \(column * lanes)")
        return "*(const iw_u\(lanes) *)(\(at))"
    }

    /// One step of the depth into one set of accumulators. The row of B stays in registers; where it does not fit
    /// beside the accumulators and the column of A is shorter, that one does.
    private func step(_ set: Int, _ lanes: Int, _ vectors: Int, _ isa: ISA) -> [String] {
        let scalars = (0..<rows).map { row in
            isPacked ? "a[\(row)]" : row == 0 ? "a[0]" : row == 1 ? "a[a_row]" : "a[\(row) * a_row]"
        }
        let loads = (0..<vectors).map { load(lanes, "b", 0, "", $0) }
        var out = ["    {"]
        if rows > 1, rows < vectors, (rows + 1) * vectors + 1 > isa.vectorRegisters {
            out.append("      const float \((0..<rows).map { "x\($0) = \(scalars[$0])" }.joined(separator: ", "));")
            out.append("      iw_v\(lanes) y;")
            for column in 0..<vectors {
                let products = (0..<rows).map { "\(accumulator(set, $0, column)) += x\($0) * y;" }
                out.append("      y = \(loads[column]); \(products.joined(separator: " "))")
            }
        } else {
            let b = (0..<vectors).map { "y\($0) = \(loads[$0])" }
            out.append("      const iw_v\(lanes) \(b.joined(separator: ", "));")
            out.append("      float x;")
            for row in 0..<rows {
                let products = (0..<vectors).map { "\(accumulator(set, row, $0)) += x * y\($0);" }
                out.append("      x = \(scalars[row]); \(products.joined(separator: " "))")
            }
        }
        out.append("      a += \(isPacked ? "\(rows)" : "a_step"); b += b_step;")
        out.append("    }")
        return out
    }

    private func stores(_ sets: Int, _ lanes: Int, _ vectors: Int) -> [String] {
        (0..<rows).map { row in
            let columns = (0..<vectors).map { column -> String in
                let sum = (0..<sets).map { accumulator($0, row, column) }
                let at = "c" + offset(row, "c_row") + (column == 0 ? "" : " + \(column * lanes)")
                let total =
                    sum.count == 4
                    ? "(\(sum[0]) + \(sum[1])) + (\(sum[2]) + \(sum[3]))"
                    : sum.joined(separator: " + ")
                return "*(iw_u\(lanes) *)(\(at)) = \(total);"
            }
            return "  " + columns.joined(separator: " ")
        }
    }
}

/// The blocks that kernels call, each once, in a fixed order.
func blocks(of kernels: [Kernel]) -> [Block] {
    var found: Set<Block> = []
    for phase in kernels.flatMap(\.phases) {
        Statement.visit(phase.body) { statement in
            if case .contract(let contract) = statement { found.insert(Block(contract)) }
        }
    }
    return found.sorted()
}
