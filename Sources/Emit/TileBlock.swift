// The micro-kernel behind a `tile` statement: flat text, one named vector variable per accumulator, every displacement
// a literal. What differs between calls are base pointers and the number of outer depth steps, so candidates that share
// a register tile and its strides share the function. In a source of several kernels they also share it when only the
// start (zero or a load) or the end differs (TileFunction). The epilogue is computed in registers, vector by
// vector, right before the stores.

import DeviceModel
import KernelIR
import TensorIR

struct TileBlock: Hashable {
    /// The tile with everything that a call passes set to 0.
    let tile: Tile
    /// Which of the tile's tensors are one: they must not be promised to be apart.
    let continues: Bool

    init(_ tile: Tile) {
        func plain(_ walk: Tile.Walk) -> Tile.Walk {
            Tile.Walk(
                slot: 0, index: .integer(0), rows: walk.rows, block: walk.block, blockStride: walk.blockStride)
        }
        var out = tile
        (out.a, out.b, out.aIndex, out.bIndex, out.depth) = (0, 0, .integer(0), .integer(0), .integer(0))
        (out.into, out.from, out.operands) = (plain(tile.into), tile.from.map(plain), tile.operands.map(plain))
        self.tile = out
        continues = tile.from.map { $0.slot == tile.into.slot } ?? false
    }

    /// What the accumulators end as.
    var end: TileEnd {
        TileEnd(stored: tile.stored, into: tile.into, operands: tile.operands, value: tile.value)
    }

    /// The multiply-adds alone: blocks with equal cores differ in how they start and end.
    var core: Tile {
        var out = tile
        (out.from, out.operands, out.value, out.stored) = (nil, [], .read(slot: 0, []), tile.columns)
        out.into = Tile.Walk(slot: 0, index: .integer(0), rows: [], block: 0, blockStride: 0)
        return out
    }
}

/// What a micro-kernel does with its sums.
struct TileEnd: Hashable {
    var stored: Int
    var into: Tile.Walk
    var operands: [Tile.Walk]
    var value: Expr
}

/// The parts of a micro-kernel's function.
struct TileBlockPrinter {
    let tile: Tile
    let lanes: Int
    let vectors: Int
    let registers: Int

    init(_ tile: Tile, lanes: Int, registers: Int) {
        self.tile = tile
        self.lanes = lanes
        vectors = tile.columns / lanes
        self.registers = registers
    }

    private var vector: String { "iw_v\(lanes)" }

    private func accumulator(_ set: Int, _ row: Int, _ column: Int) -> String {
        (set == 0 ? "c" : "d\(set)_") + "\(row)_\(column)"
    }

    func initial(_ sets: Int, from: Tile.Walk?) -> [String] {
        (0..<sets).flatMap { set in
            (0..<tile.rows).map { row in
                let values = (0..<vectors).map { column -> String in
                    var start = "{0}"
                    if set == 0, let from { start = load("f", from, row, column) }
                    return "\(accumulator(set, row, column)) = \(start)"
                }
                return "  \(vector) \(values.joined(separator: ", "));"
            }
        }
    }

    /// The accumulators of the first set, loaded.
    func resumed(_ from: Tile.Walk) -> [String] {
        (0..<tile.rows).map { row in
            let values = (0..<vectors).map { "\(accumulator(0, row, $0)) = \(load("f", from, row, $0));" }
            return "  \(values.joined(separator: " "))"
        }
    }

    /// The nest of the depth; `aN` walks A at level N, b moves on by itself.
    func depth(_ sets: Int) -> [String] {
        var out: [String] = []
        var indent = "  "
        let levels = tile.inner.count
        let steps = [tile.aStep] + tile.inner.map(\.aStep)
        for level in 0...levels {
            let pointer = level == 0 ? "a" : "a\(level)"
            let k = "k\(level)"
            let end = level == 0 ? "depth" : "\(tile.inner[level - 1].extent)"
            if level < levels {
                let advance = level == 0 ? "a += \(steps[0])" : "\(pointer) += \(steps[level])"
                out.append("\(indent)for (int64_t \(k) = 0; \(k) < \(end); ++\(k), \(advance)) {")
                indent += "  "
                out.append("\(indent)const float *restrict a\(level + 1) = \(pointer);")
                continue
            }
            if sets > 1 {
                out.append("\(indent)int64_t \(k) = 0;")
                out.append("\(indent)for (; \(k) + \(sets) <= \(end); \(k) += \(sets)) {")
                for set in 0..<sets { out += step(set, pointer, steps[level], indent) }
                out.append("\(indent)}")
                out.append("\(indent)for (; \(k) < \(end); ++\(k)) {")
            } else {
                out.append("\(indent)for (int64_t \(k) = 0; \(k) < \(end); ++\(k)) {")
            }
            out += step(0, pointer, steps[level], indent)
            out.append("\(indent)}")
        }
        for _ in 0..<levels {
            indent.removeLast(2)
            out.append("\(indent)}")
        }
        return out
    }

    /// One step into one set of accumulators. The row of B stays in registers; where it does not fit beside the
    /// accumulators and the column of A is shorter, that one does.
    private func step(_ set: Int, _ pointer: String, _ aStep: Int, _ indent: String) -> [String] {
        let scalars = tile.aRows.map { "\(pointer)[\($0)]" }
        let loads = (0..<vectors).map { "*(const iw_u\(lanes) *)(b\($0 == 0 ? "" : " + \($0 * lanes)"))" }
        let inner = indent + "    "
        var out = ["\(indent)  {"]
        if tile.rows > 1, tile.rows < vectors, (tile.rows + 1) * vectors + 1 > registers {
            let x = scalars.indices.map { "x\($0) = \(scalars[$0])" }
            out.append("\(inner)const float \(x.joined(separator: ", "));")
            out.append("\(inner)\(vector) y;")
            for column in 0..<vectors {
                let products = (0..<tile.rows).map { "\(accumulator(set, $0, column)) += x\($0) * y;" }
                out.append("\(inner)y = \(loads[column]); \(products.joined(separator: " "))")
            }
        } else {
            let y = (0..<vectors).map { "y\($0) = \(loads[$0])" }
            out.append("\(inner)const \(vector) \(y.joined(separator: ", "));")
            out.append("\(inner)float x;")
            for row in 0..<tile.rows {
                let products = (0..<vectors).map { "\(accumulator(set, row, $0)) += x * y\($0);" }
                out.append("\(inner)x = \(scalars[row]); \(products.joined(separator: " "))")
            }
        }
        out.append("\(inner)\(pointer) += \(aStep); b += \(tile.bStride);")
        out.append("\(indent)  }")
        return out
    }

    func stores(_ sets: Int, _ end: TileEnd) -> [String] {
        var out: [String] = []
        for row in 0..<tile.rows {
            for column in 0..<vectors where column * lanes < end.stored {
                let count = min(lanes, end.stored - column * lanes)
                let parts = (0..<sets).map { accumulator($0, row, column) }
                var sum =
                    parts.count == 4
                    ? "(\(parts[0]) + \(parts[1])) + (\(parts[2]) + \(parts[3]))" : parts.joined(separator: " + ")
                if sets > 1 { sum = "(\(sum))" }
                out += store(sum, end, row, column, count)
            }
        }
        return out
    }

    private func store(_ sum: String, _ end: TileEnd, _ row: Int, _ column: Int, _ count: Int) -> [String] {
        let used = end.value.slotsRead
        var leaves: [Int: String] = [0: sum]
        var out: [String] = []
        for (n, operand) in end.operands.enumerated() where used.contains(n + 1) {
            let name = "q\(n + 1)"
            if operand.block == 0 {
                out.append("    const \(vector) \(name) = \(splat("p\(n + 1)[\(operand.rows[row])]"));")
            } else {
                out += loadInto(name, "p\(n + 1)", operand, row, column, count)
            }
            leaves[n + 1] = name
        }
        let value = text(end.value, leaves)
        let pieces = pieces(end.into, row, column, count)
        if pieces.count == 1, pieces[0].count == lanes {
            let at = place("c", pieces[0].offset)
            return out.isEmpty
                ? ["  *(iw_u\(lanes) *)(\(at)) = \(value);"]
                : ["  {"] + out + ["    *(iw_u\(lanes) *)(\(at)) = \(value);", "  }"]
        }
        out.append("    const \(vector) t = \(value);")
        for piece in pieces {
            out.append(
                "    __builtin_memcpy(\(place("c", piece.offset)), (const float *)&t + \(piece.first), "
                    + "\(piece.count * 4));")
        }
        return ["  {"] + out + ["  }"]
    }

    /// Runs of neighbouring elements of one vector: first lane, lanes, displacement.
    private func pieces(
        _ walk: Tile.Walk, _ row: Int, _ column: Int, _ count: Int
    ) -> [(first: Int, count: Int, offset: Int)] {
        var out: [(first: Int, count: Int, offset: Int)] = []
        for lane in 0..<count {
            let offset = walk.offset(row, column * lanes + lane)
            if let last = out.last, last.offset + last.count == offset {
                out[out.count - 1].count += 1
            } else {
                out.append((lane, 1, offset))
            }
        }
        return out
    }

    private func load(_ base: String, _ walk: Tile.Walk, _ row: Int, _ column: Int) -> String {
        precondition(walk.block == 0 || walk.block % lanes == 0, "accumulators continue from whole vectors")
        return "*(const iw_u\(lanes) *)(\(place(base, walk.offset(row, column * lanes))))"
    }

    private func loadInto(
        _ name: String, _ base: String, _ walk: Tile.Walk, _ row: Int, _ column: Int, _ count: Int
    ) -> [String] {
        let pieces = pieces(walk, row, column, count)
        if pieces.count == 1, pieces[0].count == lanes {
            return ["    const \(vector) \(name) = *(const iw_u\(lanes) *)(\(place(base, pieces[0].offset)));"]
        }
        return ["    \(vector) \(name) = {0};"]
            + pieces.map {
                "    __builtin_memcpy((float *)&\(name) + \($0.first), \(place(base, $0.offset)), \($0.count * 4));"
            }
    }

    private func place(_ base: String, _ offset: Int) -> String { offset == 0 ? base : "\(base) + \(offset)" }

    private func splat(_ text: String) -> String {
        "(\(vector)){\([String](repeating: text, count: lanes).joined(separator: ", "))}"
    }

    private func text(_ e: Expr, _ leaves: [Int: String]) -> String {
        switch e {
        case .literal(let literal): return splat(floatText(literal.float, .f32))
        case .read(let n, _):
            guard let leaf = leaves[n] else { preconditionFailure("every operand that is read was loaded") }
            return leaf
        case .unary(_, let a): return "(-\(text(a, leaves)))"
        case .binary(let op, let a, let b):
            let (x, y) = (text(a, leaves), text(b, leaves))
            switch op {
            case .add: return "(\(x) + \(y))"
            case .subtract: return "(\(x) - \(y))"
            case .multiply: return "(\(x) * \(y))"
            case .divide: return "(\(x) / \(y))"
            case .maximum, .minimum:
                let name = op == .maximum ? "iw_max\(lanes)" : "iw_min\(lanes)"
                // the second argument comes through when either is NaN
                if isNumber(a) { return "\(name)(\(x), \(y))" }
                if isNumber(b) { return "\(name)(\(y), \(x))" }
                return "iw_nan\(lanes)(\(x), \(name)(\(x), \(y)))"
            case .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .floatRemainder, .power, .equal,
                .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .and, .or, .bitAnd, .bitOr, .bitXor,
                .shiftLeft, .shiftRight:
                preconditionFailure("the kernel is not verified: not a register expression")
            }
        case .axis, .select, .cast: preconditionFailure("the kernel is not verified: not a register expression")
        }
    }

    private func isNumber(_ e: Expr) -> Bool {
        if case .literal(let literal) = e { return !literal.float.isNaN }
        return false
    }
}

/// Vector minimum and maximum as the instructions have them, and `iw_nanN(x, y)`: x where x is NaN, else y.
func tileHelpers(lanes: Int, _ isa: ISA) -> [String] {
    let type = "iw_v\(lanes)"
    let mask = "iw_m\(lanes)"
    var out = ["typedef int32_t \(mask) __attribute__((vector_size(\(lanes * 4))));"]
    func blend(_ condition: String, _ x: String, _ y: String) -> String {
        "(\(type))((\(condition) & (\(mask))\(x)) | (~(\(condition)) & (\(mask))\(y)))"
    }
    for (name, instruction, order) in [("max", "vmaxps", ">"), ("min", "vminps", "<")] {
        let head = "static inline __attribute__((unused)) \(type) iw_\(name)\(lanes)(\(type) x, \(type) y) {"
        switch isa {
        case .avx512, .avx2:
            let registers = isa == .avx512 ? "v" : "x"
            out.append(
                "\(head) \(type) z; __asm__(\"\(instruction) %2, %1, %0\" : \"=\(registers)\"(z) : "
                    + "\"\(registers)\"(x), \"\(registers)\"(y)); return z; }")
        case .plain: out.append("\(head) const \(mask) m = x \(order) y; return \(blend("m", "x", "y")); }")
        }
    }
    out.append(
        "static inline __attribute__((unused)) \(type) iw_nan\(lanes)(\(type) x, \(type) y) { "
            + "const \(mask) m = x != x; return \(blend("m", "x", "y")); }")
    return out
}
