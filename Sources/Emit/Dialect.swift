// What language a kernel is printed in. C is C11 with GCC vector extensions, for clang and gcc; the instruction set
// decides which vector widths the text spells out and nothing else.

import DeviceModel

package enum Dialect: Hashable, Sendable {
    case c(ISA)

    var isa: ISA {
        switch self {
        case .c(let isa): isa
        }
    }
}

extension ISA {
    /// Lanes of a vector over `columns` floats: the widest of 16, 8 and 4 that the set has and that divides them.
    func lanes(dividing columns: Int) -> Int {
        for lanes in [16, 8, 4] where lanes <= vectorWidth && columns % lanes == 0 { return lanes }
        preconditionFailure("a contraction over \(columns) columns, which no vector width divides")
    }
}
