// Order: a bottom-up merge sort of places, stable, n log n comparisons. Runs of 1, 2, 4, … places are merged from one
// list into another and back; the first list is chosen so that the last pass ends in the result.

import KernelIR
import TensorIR

extension ExternBuilder {
    mutating func order(descending: Bool) -> Kernel {
        let shape = types[0].shape
        let (lines, count, width) = (shape[0], shape[1], shape[2])
        let line = Expr.axis(0)
        let keys = SortKeys(
            slot: operand(0), first: line * .integer(count * width), width: width, descending: descending,
            isFloat: types[0].dtype.isFloat)
        let sorted = PlaceList(slot: result(0), first: line * .integer(count))
        let body = sort(keys, count: count, into: sorted)
        return kernel(tasks: lines, body)
    }

    /// Statements that leave the places of `count` keys in `sorted`.
    mutating func sort(_ keys: SortKeys, count: Int, into sorted: PlaceList) -> [Statement] {
        var widths: [Int] = []
        var width = 1
        while width < count {
            widths.append(width)
            width *= 2
        }
        let other = PlaceList(slot: scratch(.i64, count), first: .integer(0))
        let state = scratch(.i64, 4)
        var (from, to) = widths.count.isMultiple(of: 2) ? (sorted, other) : (other, sorted)
        var body = loop(.integer(0), .integer(count)) { _, at in [from.set(at, at)] }
        for width in widths {
            body += merge(keys, count: count, width: width, from, to, state)
            swap(&from, &to)
        }
        return body
    }

    /// Merges runs of `width` places, pair by pair.
    private mutating func merge(
        _ keys: SortKeys, count: Int, width: Int, _ from: PlaceList, _ to: PlaceList, _ state: ExternSlot
    ) -> [Statement] {
        let (left, right, takesRight) = (state[0], state[1], state[2])
        return loop(.integer(0), .integer(count), step: 2 * width) { builder, start in
            builder.named(.binary(.minimum, start + .integer(width), .integer(count))) { builder, middle in
                builder.named(.binary(.minimum, start + .integer(2 * width), .integer(count))) { builder, end in
                    var body = [state.set(0, start), state.set(1, middle)]
                    body += builder.loop(start, end) { builder, at in
                        let bothOpen = Expr.binary(
                            .and, .binary(.less, left, middle), .binary(.less, right, end))
                        let isLeftEmpty = Expr.cast(.i64, .binary(.greaterOrEqual, left, middle))
                        return [
                            state.set(2, isLeftEmpty),
                            .when(
                                bothOpen, builder.compare(keys, place: from[right], with: from[left], state)),
                            .when(
                                .binary(.notEqual, takesRight, .integer(0)),
                                [to.set(at, from[right]), state.set(1, right + .integer(1))]),
                            .when(
                                .binary(.equal, takesRight, .integer(0)),
                                [to.set(at, from[left]), state.set(0, left + .integer(1))]),
                        ]
                    }
                    return body
                }
            }
        }
    }

    /// `state[2]` becomes whether the key at `place` comes before the one at `other`.
    private mutating func compare(
        _ keys: SortKeys, place: Expr, with other: Expr, _ state: ExternSlot
    ) -> [Statement] {
        guard keys.width > 1 else {
            return [state.set(2, .cast(.i64, keys.precedes(keys[place, .integer(0)], keys[other, .integer(0)])))]
        }
        let isDecided = state[3]
        return [state.set(2, .integer(0)), state.set(3, .integer(0))]
            + loop(.integer(0), .integer(keys.width)) { _, k in
                let (a, b) = (keys[place, k], keys[other, k])
                return [
                    .when(
                        .binary(.equal, isDecided, .integer(0)),
                        [
                            .when(keys.precedes(a, b), [state.set(2, .integer(1)), state.set(3, .integer(1))]),
                            .when(keys.precedes(b, a), [state.set(3, .integer(1))]),
                        ])
                ]
            }
    }
}

/// Keys of `width` elements side by side, from element `first` on.
struct SortKeys {
    var slot: ExternSlot
    var first: Expr
    var width: Int
    var descending: Bool
    var isFloat: Bool

    subscript(_ place: Expr, _ element: Expr) -> Expr { slot[first + place * .integer(width) + element] }

    /// NaN is greater than every number.
    func precedes(_ a: Expr, _ b: Expr) -> Expr {
        let (low, high) = descending ? (b, a) : (a, b)
        let isLess = Expr.binary(.less, low, high)
        guard isFloat else { return isLess }
        return .binary(.or, isLess, .binary(.and, .unary(.isNaN, high), .unary(.not, .unary(.isNaN, low))))
    }
}

/// Places from element `first` of a buffer on.
struct PlaceList {
    var slot: ExternSlot
    var first: Expr

    subscript(_ at: Expr) -> Expr { slot[first + at] }
    func set(_ at: Expr, _ value: Expr) -> Statement { slot.set(first + at, value) }
}
