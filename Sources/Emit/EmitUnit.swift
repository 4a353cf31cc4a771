// One translation unit: what makes a source self-contained, the blocks its kernels share, then the kernels. The
// output is a function of the arguments alone; a candidate's source digest is the digest of this text.

import CKernelRuntime
import DeviceModel
import KernelIR
import TensorIR

/// Prints a kernel as C: one function per phase, named by `entryName`.
package func emit(_ kernel: Kernel, name: String, dialect: Dialect) -> String {
    emit(kernels: [(name: name, kernel: kernel)], dialect: dialect)
}

/// Prints several kernels as one C source; names must differ, contraction blocks are shared. Without kernels the
/// source is the mathematics alone.
/// The kernels must have passed `Kernel.verify`.
package func emit(kernels: [(name: String, kernel: Kernel)], dialect: Dialect) -> String {
    let entries = kernels.map(\.name)
    precondition(entries.allSatisfy(isIdentifier), "a kernel's name is not a C identifier")
    precondition(Set(entries).count == entries.count, "two kernels of one source have the same name")
    let shared = blocks(of: kernels.map(\.kernel))
    var lines = prologue(isa: dialect.isa)
    let tiles = tileFunctions(of: kernels.map(\.kernel))
    lines += vectorTypes(shared.map(\.columns) + tiles.map(\.blocks[0].tile.columns), dialect.isa)
    for lanes in Set(tiles.map { dialect.isa.lanes(dividing: $0.blocks[0].tile.columns) }).sorted() {
        lines += tileHelpers(lanes: lanes, dialect.isa)
    }
    for block in shared { lines += [""] + block.text(dialect.isa) }
    for (function, _) in tiles { lines += [""] + function.text(dialect.isa) }
    let functions = Dictionary(
        uniqueKeysWithValues: tiles.flatMap { function, blocks in blocks.map { ($0, function) } })
    let phases = kernels.flatMap { name, kernel in
        kernel.phases.indices.map { index in
            var printer = PhasePrinter(kernel, phase: index, isa: dialect.isa, tiles: functions)
            let symbol = entryName(name, phase: index)
            let function = printer.function(named: symbol)
            return PrintedPhase(
                symbol: symbol, lines: function, isLoopsAroundTiles: kernel.phases[index].isLoopsAroundTiles,
                callsStorage: printer.scalars.callsStorage)
        }
    }
    lines += kernels.count > 1 ? sharingDrivers(phases) : phases.flatMap { [""] + $0.lines }
    let body = lines.joined(separator: "\n") + "\n"
    let needsStorage = phases.contains(where: \.callsStorage)
    let needsMathematics =
        phases.isEmpty || needsStorage || !shared.isEmpty || !phases.allSatisfy(\.isFreeOfMathematics)
    let isPlain = !phases.isEmpty && shared.isEmpty && phases.allSatisfy(\.isLoopsAroundTiles)
    return (isPlain ? "" : vectoriserSettings) + (needsMathematics ? mathSource() : integerTypes)
        + (needsStorage ? storageSource() : "") + body
}

/// The symbol of one phase: `void NAME_P(void *const *operands, int64_t first, int64_t last, void *scratch)`.
package func entryName(_ name: String, phase: Int) -> String { "\(name)_\(phase)" }

func isIdentifier(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return name.utf8.allSatisfy { byte in
        (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5f
    }
}

extension Kernel {
    /// Nothing but micro-kernels and what calls them: a compiler that looks for vectors in it finds none.
    package var isLoopsAroundTiles: Bool { phases.allSatisfy(\.isLoopsAroundTiles) }
}

extension Phase {
    /// Nothing but loops, scratch, micro-kernel calls and constant fills.
    fileprivate var isLoopsAroundTiles: Bool {
        var found = true
        Statement.visit(body) { statement in
            switch statement {
            case .bind, .loop, .alloc, .tile, .when: break
            case .map(_, _, let value): found = found && value.isLiteral
            case .reduce, .contract: found = false
            }
        }
        return found
    }
}

extension Expr {
    fileprivate var isLiteral: Bool {
        if case .literal = self { return true }
        return false
    }
}

/// What a source needs that calls no function of the vector mathematics.
private let integerTypes = """
    \(integerTypedefs)
    #define IW_INLINE static inline __attribute__((always_inline, unused))
    IW_INLINE int64_t iw_min_i64(int64_t x, int64_t y) { return x < y ? x : y; }
    IW_INLINE int64_t iw_max_i64(int64_t x, int64_t y) { return x < y ? y : x; }

    """

/// gcc takes the settings that its vectoriser needs from the source; they precede every function.
private let vectoriserSettings = """
    #if defined(__GNUC__) && !defined(__clang__)
    #pragma GCC optimize("O3", "no-trapping-math", "no-math-errno")
    #endif

    """

private func mathSource() -> String {
    let bytes = UnsafeBufferPointer(start: iw_math_source_begin(), count: Int(iw_math_source_count()))
    return String(decoding: bytes, as: UTF8.self)
}

private func storageSource() -> String {
    let bytes = UnsafeBufferPointer(start: iw_storage_source_begin(), count: Int(iw_storage_source_count()))
    return "\n" + String(decoding: bytes, as: UTF8.self)
}

private func prologue(isa: ISA) -> [String] {
    // where masks are cheap the rest of a line is one masked vector instead of a scalar loop; clang unrolls short loops
    // before it looks for vectors, and then finds none
    let predicate = isa == .avx512 ? " vectorize_predicate(enable)" : ""
    return [
        "",
        "// Kernels for \(isa.rawValue). IW_VECTOR: the iterations of the next loop are independent; IW_ROLLED:",
        "// one copy of its body is enough; IW_DRIVER: loops around micro-kernels, whose own speed matters little.",
        "#pragma GCC diagnostic ignored \"-Wtautological-compare\"",
        "#if defined(__clang__)",
        "#pragma clang diagnostic ignored \"-Wpass-failed\"",
        "#define IW_VECTOR _Pragma(\"clang loop vectorize(assume_safety) unroll(disable)\(predicate)\")",
        "#define IW_ROLLED _Pragma(\"clang loop unroll(disable)\")",
        "#define IW_UNROLL _Pragma(\"clang loop unroll(full)\")",
        "#define IW_DRIVER",
        "#else",
        "#define IW_VECTOR _Pragma(\"GCC ivdep\")",
        "#define IW_ROLLED _Pragma(\"GCC unroll 1\")",
        "#define IW_UNROLL _Pragma(\"GCC unroll 64\")",
        "#define IW_DRIVER __attribute__((optimize(\"O1\")))",
        "#endif",
    ]
}

/// iw_vN: N floats in a register; iw_uN: the same at any address of a float.
private func vectorTypes(_ columns: [Int], _ isa: ISA) -> [String] {
    let widths = Set(columns.map { isa.lanes(dividing: $0) }).sorted()
    return widths.flatMap { lanes in
        [
            "typedef float iw_v\(lanes) __attribute__((vector_size(\(lanes * 4))));",
            "typedef float iw_u\(lanes) __attribute__((vector_size(\(lanes * 4)), aligned(4), may_alias));",
        ]
    }
}
