// The C text of the probe kernels. Input: an instruction set. Output: one file, the same bytes on every host: sizes are
// not in it, kernels read them from an operand of 64-bit integers. Vectors are GCC vector extensions at the width of
// the instruction set, in the form in which kernels are printed: flat text, one variable per accumulator.
// A compiler barrier between rounds over the same data keeps a round from being merged with the next.

import DeviceModel

enum CalibrationSource {
    /// Symbols are this and the probe's name.
    static let prefix = "iw_probe_"
    /// Accumulators of the reading kernel.
    static let readVectors = 8
    /// Vectors that the map handles per iteration.
    static let mapVectors = 4
    /// Multiplications and additions of the map's polynomial, per element.
    static let mapOperators = 8

    /// The register tile of the multiply-add probe: as many accumulators as leave room for a row of B and one scalar.
    static func tile(_ isa: ISA) -> (rows: Int, columns: Int) {
        switch isa {
        case .avx512: (12, 2 * isa.vectorWidth)
        case .avx2, .plain: (6, 2 * isa.vectorWidth)
        }
    }

    /// All probe kernels.
    static func text(for isa: ISA) -> String {
        let tile = tile(isa)
        let head = """
            #include <stdint.h>
            typedef float vector __attribute__((vector_size(\(isa.vectorWidth * 4)), aligned(4)));
            #define AT(p) (*(vector *)(p))
            #define READ(p) (*(const vector *)(p))
            #define BARRIER __asm__ volatile("" ::: "memory")

            """
        let kernels = [
            multiplyAdd(isa, tile.rows), microKernel(isa, tile.rows), call, read(isa), map(isa),
            pack(isa, tile.columns), phase,
        ]
        return head + kernels.joined(separator: "\n")
    }

    private static func opening(_ probe: CalibrationProbe) -> String {
        "void \(probe.symbol)_0(void *const *operands, int64_t first, int64_t last, void *scratch) {\n"
            + "  (void)scratch;\n"
    }

    /// One step of depth of the register tile: a row of B in two vectors, one scalar of packed A per row.
    private static func step(_ isa: ISA, _ rows: Int, indent: String) -> String {
        let lanes = isa.vectorWidth
        let products = (0..<rows).map { "x = a[\($0)]; c\($0)_0 += x * y0; c\($0)_1 += x * y1;" }
        let lines =
            ["const vector y0 = READ(b), y1 = READ(b + \(lanes));", "float x;"] + products
            + ["a += \(rows); b += \(2 * lanes);"]
        return lines.map { indent + $0 + "\n" }.joined()
    }

    /// operands: A panel, B panel, result tile, sizes {depth}. A task is one pass over the panels.
    private static func multiplyAdd(_ isa: ISA, _ rows: Int) -> String {
        let lanes = isa.vectorWidth
        let zeros = (0..<rows).map { "  vector c\($0)_0 = {0}, c\($0)_1 = {0};\n" }
        let stores = (0..<rows).map {
            "  AT(c + \($0 * 2 * lanes)) = c\($0)_0; AT(c + \($0 * 2 * lanes + lanes)) = c\($0)_1;\n"
        }
        return opening(.multiplyAdd) + "  const int64_t depth = *(const int64_t *)operands[3];\n" + zeros.joined() + """
              for (int64_t round = first; round < last; ++round) {
                const float *a = operands[0], *b = operands[1];
                for (int64_t k = 0; k < depth; ++k) {
            \(step(isa, rows, indent: "      "))    }
                BARRIER;
              }
              float *c = operands[2];

            """ + stores.joined() + "}\n"
    }

    /// The micro-kernel as contractions call it: loads the tile of C, adds, stores.
    private static func microKernel(_ isa: ISA, _ rows: Int) -> String {
        let lanes = isa.vectorWidth
        let loads = (0..<rows).map {
            "  vector c\($0)_0 = READ(c + \($0) * c_row), c\($0)_1 = READ(c + \($0) * c_row + \(lanes));\n"
        }
        let stores = (0..<rows).map {
            "  AT(c + \($0) * c_row) = c\($0)_0; AT(c + \($0) * c_row + \(lanes)) = c\($0)_1;\n"
        }
        return """
            static __attribute__((noinline)) void tile(float *restrict c, int64_t c_row, const float *restrict a,
                const float *restrict b, int64_t depth) {

            """ + loads.joined() + """
                  for (int64_t k = 0; k < depth; ++k) {
                \(step(isa, rows, indent: "    "))  }

                """ + stores.joined() + "}\n"
    }

    /// operands: A panel, B panel, result tile, sizes {depth, row stride of C}. A task is one call.
    private static let call =
        opening(.call) + """
              const int64_t *sizes = operands[3];
              const int64_t depth = sizes[0], c_row = sizes[1];
              for (int64_t i = first; i < last; ++i) tile(operands[2], c_row, operands[0], operands[1], depth);
            }

            """

    /// operands: data, result of one vector. A task is `readVectors` vectors.
    private static func read(_ isa: ISA) -> String {
        let lanes = isa.vectorWidth
        let all = 0..<readVectors
        let zeros = all.map { "s\($0) = {0}" }.joined(separator: ", ")
        // barriers keep the loads in the order of their addresses, which prefetchers follow and gcc does not
        let sums = all.map { "    s\($0) += READ(in + \($0 * lanes)); BARRIER;\n" }.joined()
        let total = all.map { "s\($0)" }.joined(separator: " + ")
        // the level of memory is a matter of size: one kernel, named by the first
        return opening(.l2) + """
              const float *in = (const float *)operands[0] + first * \(readVectors * lanes);
              vector \(zeros);
              for (int64_t i = first; i < last; ++i) {
            \(sums)    in += \(readVectors * lanes);
              }
              AT(operands[1]) = \(total);
            }

            """
    }

    /// operands: data, result, sizes {elements}. A task is one pass; a polynomial of degree four per element.
    private static func map(_ isa: ISA) -> String {
        let lanes = isa.vectorWidth
        let lines = (0..<mapVectors).map { place in
            """
                  const vector x\(place) = READ(in + i + \(place * lanes));
                  AT(out + i + \(place * lanes)) = \
            (((x\(place) * 0.3f - 0.7f) * x\(place) + 0.9f) * x\(place) - 0.2f) * x\(place) + 0.6f;

            """
        }
        return opening(.map) + """
              const int64_t count = *(const int64_t *)operands[2];
              for (int64_t round = first; round < last; ++round) {
                const float *restrict in = operands[0];
                float *restrict out = operands[1];
                for (int64_t i = 0; i < count; i += \(mapVectors * lanes)) {
            \(lines.joined())    }
                BARRIER;
              }
            }

            """
    }

    /// operands: rows of a matrix, panels, sizes {rows, row stride}. A task is one panel of `columns` columns.
    private static func pack(_ isa: ISA, _ columns: Int) -> String {
        let lanes = isa.vectorWidth
        let copies = stride(from: 0, to: columns, by: lanes).map { "AT(to + \($0)) = READ(from + \($0));" }
        return opening(.pack) + """
              const int64_t *sizes = operands[2];
              const int64_t rows = sizes[0], row_stride = sizes[1];
              for (int64_t panel = first; panel < last; ++panel) {
                const float *restrict from = (const float *)operands[0] + panel * \(columns);
                float *restrict to = (float *)operands[1] + panel * rows * \(columns);
                for (int64_t k = 0; k < rows; ++k, from += row_stride, to += \(columns)) {
                  \(copies.joined(separator: " "))
                }
              }
            }

            """
    }

    /// Nothing: what remains is the way in and out.
    private static let phase = opening(.phase) + "  (void)operands, (void)first, (void)last;\n}\n"
}
