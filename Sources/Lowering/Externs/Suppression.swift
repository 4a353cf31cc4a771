// Suppress: per image and class the boxes by falling score, each taken unless one taken before overlaps it too much.
// What was taken stands in the result, so the boxes of the class are the entries since it began.

import KernelIR
import TensorIR

extension ExternBuilder {
    mutating func suppress(centered: Bool, limit: Int) -> Kernel {
        let shape = types[1].shape
        let (images, classes, count) = (shape[0], shape[1], shape[2])
        let state = scratch(.i64, 3)
        let ranked = PlaceList(slot: scratch(.i64, count), first: .integer(0))
        let sides = scratch(.f32, 4)
        let pair = Pair(
            boxes: operand(0), sides: sides, isCentered: centered, overlap: operand(3)[0])
        let (taken, first) = (state[0], state[1])
        var body = [state.set(0, .integer(0))]
        body += loop(.integer(0), .integer(images * classes)) { builder, group in
            let scores = SortKeys(
                slot: builder.operand(1), first: group * .integer(count), width: 1, descending: true, isFloat: true)
            var inner = builder.sort(scores, count: count, into: ranked)
            inner.append(state.set(1, taken))
            let most = Expr.binary(.minimum, .integer(limit), builder.operand(2)[0])
            let image = Expr.binary(.floorDivide, group, .integer(classes))
            inner += builder.loop(.integer(0), .integer(count)) { builder, rank in
                let box = ranked[rank]
                let isCandidate = Expr.binary(
                    .and, .binary(.less, taken - first, most),
                    .binary(.greater, scores[box, .integer(0)], builder.operand(4)[0]))
                let place = (image * .integer(count) + box) * .integer(4)
                var tested = pair.loadSides(place)
                tested.append(state.set(2, .integer(0)))
                tested += builder.loop(first, taken) { builder, entry in
                    let other = builder.result(0)[entry * .integer(3) + .integer(2)]
                    let isOver = pair.overlaps((image * .integer(count) + other) * .integer(4))
                    return [.when(isOver, [state.set(2, .integer(1))])]
                }
                let entry = taken * .integer(3)
                let found = builder.result(0)
                tested.append(
                    .when(
                        .binary(.equal, state[2], .integer(0)),
                        [
                            found.set(entry, image),
                            found.set(entry + .integer(1), .binary(.floorModulo, group, .integer(classes))),
                            found.set(entry + .integer(2), box),
                            state.set(0, taken + .integer(1)),
                        ]))
                return [.when(isCandidate, tested)]
            }
            return inner
        }
        body.append(result(1).set(0, taken))
        body += loop(taken * .integer(3), .integer(images * classes * limit * 3)) { builder, at in
            [builder.result(0).set(at, .integer(0))]
        }
        return kernel(tasks: 1, body)
    }
}

/// A box whose sides are loaded, against others.
private struct Pair {
    var boxes: ExternSlot
    /// Low y, low x, high y, high x of the loaded box.
    var sides: ExternSlot
    var isCentered: Bool
    var overlap: Expr

    func loadSides(_ place: Expr) -> [Statement] {
        (0..<4).map { sides.set($0, side($0 % 2, isHigh: $0 >= 2, place)) }
    }

    private func side(_ axis: Int, isHigh: Bool, _ place: Expr) -> Expr {
        let (a, b) = (boxes[place + .integer(axis)], boxes[place + .integer(axis + 2)])
        guard isCentered else { return .binary(isHigh ? .maximum : .minimum, a, b) }
        let half = b * .float(0.5)
        return isHigh ? a + half : a - half
    }

    /// Intersection over union with the box at `place` above the threshold; boxes without area overlap nothing.
    func overlaps(_ place: Expr) -> Expr {
        func common(_ axis: Int) -> Expr {
            let high = Expr.binary(.minimum, sides[axis + 2], side(axis, isHigh: true, place))
            let low = Expr.binary(.maximum, sides[axis], side(axis, isHigh: false, place))
            return .binary(.maximum, .float(0), high - low)
        }
        func extent(_ axis: Int) -> Expr { side(axis, isHigh: true, place) - side(axis, isHigh: false, place) }
        let inner = common(0) * common(1)
        let area = (sides[2] - sides[0]) * (sides[3] - sides[1])
        let union = area + extent(0) * extent(1) - inner
        return .binary(
            .and, .binary(.greater, union, .float(0)), .binary(.greater, .binary(.divide, inner, union), overlap))
    }
}
