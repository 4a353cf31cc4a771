// The operators that are no tensor expression: their result at one place depends on an order or a count over all
// places. A graph names them `extern "order"["descending=1"](%3)`; each is a kernel of its own, a border for welds.
// ONNX's sorting, searching and suppressing operators are made of these and of definitions:
//
//     TopK = order, take            Unique = order, positions, accumulate        NonZero, Compress = positions, gather
//
// A result whose number of meaningful entries is data dependent has its upper bound as extent, zeros behind what is
// meaningful, and the number beside it.

package enum Extern: Hashable, Sendable {
    /// `x: T[lines, n, k] -> i64[lines, n]`: the places of the n keys of k elements in rising (falling) order of the
    /// keys, compared element by element; equal keys stay in their order. NaN is greater than every number.
    case order(descending: Bool)
    /// `x: bool[n] -> i64[n], i64[]`: the places of the true elements, and how many there are.
    case positions
    /// `x: i64[m] -> i64[n]`: for each of n numbers the last place at which `x` holds it, -1 where none does; numbers
    /// outside of `0 ..< n` are passed over.
    case locate(Int)
    /// `x: i64[n] -> i64[n]`: sums of the elements up to and with each.
    case accumulate
    /// Greedy non-maximum suppression of each class of each image: `boxes: f32[b,n,4], scores: f32[b,c,n],
    /// most: i64[], overlap: f32[], least: f32[] -> i64[b*c*limit,3], i64[]`: image, class and box of what is selected,
    /// and how many there are. A box is selected when its score is greater than `least` and no selected box of its
    /// class overlaps it by more than `overlap` (intersection over union); at most `most`, never more than `limit`.
    case suppress(centered: Bool, limit: Int)
}

extension Extern {
    package var name: String {
        switch self {
        case .order: "order"
        case .positions: "positions"
        case .locate: "locate"
        case .accumulate: "accumulate"
        case .suppress: "suppress"
        }
    }

    /// Sorted `name=value` texts.
    package var attributes: [String] {
        switch self {
        case .order(let descending): ["descending=\(descending ? 1 : 0)"]
        case .positions, .accumulate: []
        case .locate(let count): ["count=\(count)"]
        case .suppress(let centered, let limit): ["centered=\(centered ? 1 : 0)", "limit=\(limit)"]
        }
    }

    /// The extern of a graph's operation; `nil` when nobody knows it.
    package init?(name: String, attributes: [String]) {
        var known: [String: Int] = [:]
        for attribute in attributes {
            let parts = attribute.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = Int(parts[1]), value >= 0 else { return nil }
            known[String(parts[0])] = value
        }
        let made: Extern
        switch name {
        case "order": made = .order(descending: known["descending"] == 1)
        case "positions": made = .positions
        case "locate": made = .locate(known["count"] ?? 0)
        case "accumulate": made = .accumulate
        case "suppress": made = .suppress(centered: known["centered"] == 1, limit: known["limit"] ?? 0)
        default: return nil
        }
        guard made.attributes == attributes else { return nil }
        self = made
    }

    /// The results' types; `nil` when the operands are not what the extern takes.
    package func results(_ operands: [TensorType]) -> [TensorType]? {
        let scalar = TensorType(.i64, [])
        switch self {
        case .order:
            guard operands.count == 1, operands[0].rank == 3, Extern.orderedDTypes.contains(operands[0].dtype)
            else { return nil }
            return [TensorType(.i64, Array(operands[0].shape.prefix(2)))]
        case .positions:
            guard operands.count == 1, operands[0].rank == 1, operands[0].dtype == .bool else { return nil }
            return [TensorType(.i64, operands[0].shape), scalar]
        case .locate(let count):
            guard operands.count == 1, operands[0].rank == 1, operands[0].dtype == .i64, count > 0 else { return nil }
            return [TensorType(.i64, [count])]
        case .accumulate:
            guard operands.count == 1, operands[0].rank == 1, operands[0].dtype == .i64 else { return nil }
            return [operands[0]]
        case .suppress(_, let limit):
            let number = TensorType(.f32, [])
            guard operands.count == 5, Array(operands[2...]) == [scalar, number, number], limit > 0 else { return nil }
            let (boxes, scores) = (operands[0], operands[1])
            guard boxes.dtype == .f32, scores.dtype == .f32, boxes.rank == 3, scores.rank == 3, boxes.shape[2] == 4,
                boxes.shape[0] == scores.shape[0], boxes.shape[1] == scores.shape[2]
            else { return nil }
            return [TensorType(.i64, [scores.shape[0] * scores.shape[1] * limit, 3]), scalar]
        }
    }

    /// Element types of keys; an importer casts the others.
    package static let orderedDTypes: Set<DType> = [.f32, .f64, .i64]
}
