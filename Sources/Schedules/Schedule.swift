// A schedule says how a canonical workload runs on a CPU: where its tensors lie (interface), what is prepared once
// from constants, which definitions meet at which memory level, and the nest of tiles. Nothing in it is implied:
// lowering is a function of (workload, schedule), and the text is what the catalog keeps and the wire carries.
//
//     schedule for cpu.avx512 {
//       interface t0 row t4 row
//       algorithm direct
//       prepare t1 columns 64
//       connect t3 -> t4 @register
//   nest contraction task(rows:22, columns:384) depth:768 micro(rows:6, columns:64) outer:columns a:direct b:prepared
//     }

import DeviceModel
import TensorIR

/// How a contraction is computed.
package enum Algorithm: Hashable, Sendable, CaseIterable {
    case direct
    /// F(2×2, 3×3).
    case winograd2
    /// F(4×4, 3×3).
    case winograd4

    package var text: String {
        switch self {
        case .direct: "direct"
        case .winograd2: "winograd(2,3)"
        case .winograd4: "winograd(4,3)"
        }
    }

    /// Parses what `text` prints.
    package init?(text: String) {
        guard let found = Algorithm.allCases.first(where: { $0.text == text }) else { return nil }
        self = found
    }
}

/// The memory level at which a producer's tile meets its consumer.
package enum ConnectKind: String, Hashable, Sendable, CaseIterable {
    /// The tile stays in the micro-kernel's accumulators or the row's scratch in L1.
    case register
    /// The tile stays in the lane's scratch, sized for L2.
    case l2 = "L2"
}

package struct Connect: Hashable, Sendable {
    package var from: Int
    package var to: Int
    package var kind: ConnectKind
    package init(from: Int, to: Int, kind: ConnectKind) {
        self.from = from
        self.to = to
        self.kind = kind
    }
}

/// A constant operand laid out once, at assembly, in the order in which its kernel reads it.
package struct Prepare: Hashable, Sendable {
    package enum Form: Hashable, Sendable {
        /// `[batch][columns / width][depth][width]`, zero-padded.
        case columnPanels(width: Int)
        /// `[batch][row tiles][depth][rows of the tile]`; the tiles are the balanced split of all rows by `height`.
        case rowPanels(height: Int)
        /// The axes in order, but `axis` last: channels side by side for kernels whose vectors run along them.
        case innermost(axis: Int)
        /// Winograd's U: `[points][columns / width][depth][width]`.
        case winograd(WinogradForm)
    }

    package struct WinogradForm: Hashable, Sendable {
        /// Outputs of a tile along a line: 2 or 4.
        package var output: Int
        package var width: Int
        package init(output: Int, width: Int) {
            self.output = output
            self.width = width
        }
    }
    package var slot: Int
    package var form: Form
    package init(slot: Int, form: Form) {
        self.slot = slot
        self.form = form
    }
}

/// Where a contraction's operand comes from when a micro-kernel reads it.
package enum OperandSource: String, Hashable, Sendable, CaseIterable {
    /// In place, through its row-major strides.
    case direct
    /// Copied into the task's scratch by the task itself.
    case packed
    /// Prepared at assembly.
    case prepared
}

/// Which loop of a contraction task is the outer one: the other one's tiles are used again while they are in L1.
package enum LoopOrder: String, Hashable, Sendable, CaseIterable {
    case columns
    case rows
}

package struct ContractionNest: Hashable, Sendable {
    /// Register tile: rows × columns of accumulators; columns is a multiple of the vector width. Without `microLines`
    /// the rows of the whole contraction are one run. With it, they are lines (every row axis but the innermost) of
    /// rows (the innermost row axis), a tile is lines × rows, and a task's row tiles are bands of `microLines` lines.
    package var microLines: Int?
    package var microRows: Int
    package var microColumns: Int
    /// Row tiles (of about `microRows` rows each) and columns of one task.
    package var taskRowTiles: Int
    package var taskColumns: Int
    /// Depth of one pass over the accumulators.
    package var depth: Int
    package var outer: LoopOrder
    package var a: OperandSource
    package var b: OperandSource
    package init(
        microLines: Int? = nil, microRows: Int, microColumns: Int, taskRowTiles: Int, taskColumns: Int, depth: Int,
        outer: LoopOrder = .columns, a: OperandSource, b: OperandSource
    ) {
        self.microLines = microLines
        self.outer = outer
        self.microRows = microRows
        self.microColumns = microColumns
        self.taskRowTiles = taskRowTiles
        self.taskColumns = taskColumns
        self.depth = depth
        self.a = a
        self.b = b
    }
}

package enum Nest: Hashable, Sendable {
    case contraction(ContractionNest)
    /// A convolution by tiles of outputs, with the algorithm's transforms.
    case winograd(WinogradNest)
    /// Several row-wise definitions over the same rows; a task is a block of rows, a row stays in L1.
    case rows(rowsPerTask: Int)
    /// One reduction whose innermost reduction axis is vectorised.
    case reduceInner(pointsPerTask: Int)
    /// One reduction vectorised over its innermost space axis; `unrolled` keeps the accumulator in a register and
    /// spells the reduction out.
    case reduceOuter(linesPerTask: Int, unrolled: Bool)
    /// No reduction: a task is a block of lines along the innermost axis.
    case map(linesPerTask: Int)
}

package struct Schedule: Hashable, Sendable {
    package var isa: ISA
    package var interface: Interface
    package var algorithm: Algorithm
    package var prepares: [Prepare]
    package var connects: [Connect]
    package var nest: Nest
    package init(
        isa: ISA, interface: Interface, algorithm: Algorithm, prepares: [Prepare], connects: [Connect], nest: Nest
    ) {
        self.isa = isa
        self.interface = interface
        self.algorithm = algorithm
        self.prepares = prepares
        self.connects = connects
        self.nest = nest
    }
}
