// What externs mean, in plain loops. Kernels are checked against this.

extension Extern {
    /// The results over `operands`, whose types `results(_:)` takes.
    package func interpret(_ operands: [TensorValue]) -> [TensorValue] {
        guard let types = results(operands.map(\.type)) else {
            preconditionFailure("operands the extern does not take")
        }
        switch self {
        case .order(let descending):
            return [TensorValue(types[0], integers: Extern.order(operands[0], descending))]
        case .positions:
            let found = operands[0].integers.enumerated().filter { $0.element != 0 }.map { Int64($0.offset) }
            return Extern.counted(found, types)
        case .locate(let count):
            var places = [Int64](repeating: -1, count: count)
            for (place, number) in operands[0].integers.enumerated() where number >= 0 && number < count {
                places[Int(number)] = Int64(place)
            }
            return [TensorValue(types[0], integers: places)]
        case .accumulate:
            var sum: Int64 = 0
            let sums = operands[0].integers.map { element -> Int64 in
                sum &+= element
                return sum
            }
            return [TensorValue(types[0], integers: sums)]
        case .suppress(let centered, let limit):
            let found = Extern.suppress(operands, centered: centered, limit: limit)
            return Extern.counted(found.flatMap { $0 }, types, width: 3)
        }
    }

    private static func counted(_ found: [Int64], _ types: [TensorType], width: Int = 1) -> [TensorValue] {
        let padding = [Int64](repeating: 0, count: types[0].elements - found.count)
        return [
            TensorValue(types[0], integers: found + padding),
            TensorValue(types[1], integers: [Int64(found.count / width)]),
        ]
    }

    private static func order(_ keys: TensorValue, _ descending: Bool) -> [Int64] {
        let (lines, count, width) = (keys.type.shape[0], keys.type.shape[1], keys.type.shape[2])
        func precedes(_ a: Int, _ b: Int) -> Bool {
            for k in 0..<width {
                switch keys.elements {
                case .integers(let values):
                    let (x, y) = (values[a * width + k], values[b * width + k])
                    if x != y { return descending ? x > y : x < y }
                case .floats(let values):
                    let (x, y) = (values[a * width + k], values[b * width + k])
                    let isLess = x < y || (y.isNaN && !x.isNaN)
                    let isGreater = x > y || (x.isNaN && !y.isNaN)
                    if isLess || isGreater { return descending ? isGreater : isLess }
                }
            }
            return false
        }
        return (0..<lines).flatMap { line -> [Int64] in
            // Swift's sort keeps equal elements in order, but only the position says so by contract
            let sorted = (0..<count).sorted { a, b in
                let (left, right) = (line * count + a, line * count + b)
                if precedes(left, right) { return true }
                return !precedes(right, left) && a < b
            }
            return sorted.map(Int64.init)
        }
    }

    private static func suppress(_ operands: [TensorValue], centered: Bool, limit: Int) -> [[Int64]] {
        let (boxes, scores) = (operands[0].floats, operands[1].floats)
        let shape = operands[1].type.shape
        let (images, classes, count) = (shape[0], shape[1], shape[2])
        let (overlap, least) = (operands[3].floats[0], operands[4].floats[0])
        let most = min(Int64(limit), operands[2].integers[0])
        func sides(_ box: Int) -> (low: [Double], high: [Double]) {
            let b = (0..<4).map { boxes[box * 4 + $0] }
            if centered { return ([b[0] - b[2] / 2, b[1] - b[3] / 2], [b[0] + b[2] / 2, b[1] + b[3] / 2]) }
            return ([min(b[0], b[2]), min(b[1], b[3])], [max(b[0], b[2]), max(b[1], b[3])])
        }
        func overlaps(_ a: Int, _ b: Int) -> Bool {
            let (p, q) = (sides(a), sides(b))
            let common = (0..<2).map { max(0, min(p.high[$0], q.high[$0]) - max(p.low[$0], q.low[$0])) }
            func area(_ s: (low: [Double], high: [Double])) -> Double {
                (s.high[0] - s.low[0]) * (s.high[1] - s.low[1])
            }
            let inner = common[0] * common[1]
            let union = area(p) + area(q) - inner
            return union > 0 && inner / union > overlap
        }
        var out: [[Int64]] = []
        for image in 0..<images {
            for kind in 0..<classes {
                let at = (image * classes + kind) * count
                let ranked = (0..<count).sorted { a, b in
                    scores[at + a] != scores[at + b] ? scores[at + a] > scores[at + b] : a < b
                }
                var selected: [Int] = []
                for box in ranked where selected.count < most && scores[at + box] > least {
                    let place = image * count + box
                    if selected.contains(where: { overlaps(image * count + $0, place) }) { continue }
                    selected.append(box)
                }
                out += selected.map { [Int64(image), Int64(kind), Int64($0)] }
            }
        }
        return out
    }
}
