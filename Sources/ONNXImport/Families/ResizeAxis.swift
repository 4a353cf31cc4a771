// One axis of a Resize: where each place of the result lies on the axis of the operand, and which elements it is made
// of with which weights. All of it is known at import, so it becomes a table of indices and a table of weights.
// Input: extents, scale and the attributes of the node. Output: `ResizeTaps`. Coordinates are kept in Double.
// Source: the operator's description and Keys 1981 (cubic convolution), equation 4.

import TensorIR

/// The attributes of a Resize that hold for every axis.
struct ResizeMode {
    enum Interpolation { case nearest, linear, cubic }
    enum Rounding {
        case preferFloor, preferCeil, floor, ceil
        /// Up to version 10: down when the operand grows, up when it shrinks.
        case simple
    }
    enum Coordinates {
        case halfPixel, halfPixelSymmetric, pytorchHalfPixel, alignCorners, asymmetric, halfPixelForNearest
        case cropAndResize
    }
    var interpolation = Interpolation.nearest
    var rounding = Rounding.simple
    var coordinates = Coordinates.asymmetric
    var cubicCoefficient = -0.75
    var excludesOutside = false
    var antialiases = false
    /// What a place outside of the operand gets under `cropAndResize`.
    var extrapolation = 0.0
}

/// The elements that each place of the result is made of.
struct ResizeTaps {
    /// Per place, `count` entries each; indices are inside of the operand.
    var indices: [Int] = []
    var weights: [Double] = []
    var count: Int
    /// Places whose coordinate is inside of the operand; elsewhere the extrapolation value stands.
    var inside: Range<Int>
}

struct ResizeAxis {
    let input: Int
    let output: Int
    /// Result over operand; `input * scale` need not be whole.
    let scale: Double
    /// The region under `cropAndResize`, as fractions of the axis.
    var region = (start: 0.0, end: 1.0)

    /// Nothing changes along this axis.
    func isIdentity(_ mode: ResizeMode) -> Bool {
        let isWhole = mode.coordinates != .cropAndResize || (region.start == 0 && region.end == 1)
        return input == output && abs(scale - 1) <= 1e-9 && isWhole
    }

    func taps(_ mode: ResizeMode) -> ResizeTaps {
        let places = (0..<output).map { coordinate(Double($0), mode.coordinates) }
        var taps: ResizeTaps
        switch mode.interpolation {
        case .nearest:
            taps = ResizeTaps(
                indices: places.map { clamped(nearest($0, mode.rounding)) },
                weights: places.map { _ in 1 }, count: 1, inside: 0..<output)
        case .linear: taps = filtered(places, mode, support: 1) { max(1 - abs($0), 0) }
        case .cubic:
            let a = mode.cubicCoefficient
            taps = filtered(places, mode, support: 2) { cubicWeight($0, a) }
        }
        if mode.coordinates == .cropAndResize {
            let isInside = places.map { $0 >= 0 && $0 <= Double(input - 1) }
            let first = isInside.firstIndex(of: true) ?? 0
            taps.inside = first..<((isInside.lastIndex(of: true) ?? -1) + 1)
        }
        return taps
    }

    /// Where place `x` of the result lies on the operand's axis.
    private func coordinate(_ x: Double, _ coordinates: ResizeMode.Coordinates) -> Double {
        let last = Double(input - 1)
        let width = scale * Double(input)
        switch coordinates {
        case .halfPixel: return (x + 0.5) / scale - 0.5
        case .halfPixelSymmetric:
            let offset = Double(input) / 2 * (1 - Double(output) / width)
            return offset + (x + 0.5) / scale - 0.5
        case .pytorchHalfPixel: return width > 1 ? (x + 0.5) / scale - 0.5 : 0
        case .alignCorners: return width == 1 ? 0 : x * last / (width - 1)
        case .asymmetric: return x / scale
        case .halfPixelForNearest: return (x + 0.5) / scale
        case .cropAndResize:
            let span = (region.end - region.start) * last
            return region.start * last + (width == 1 ? span / 2 : x * span / (width - 1))
        }
    }

    private func nearest(_ x: Double, _ rounding: ResizeMode.Rounding) -> Double {
        switch rounding {
        case .preferFloor: (x - 0.5).rounded(.up)
        case .preferCeil: (x + 0.5).rounded(.down)
        case .floor: x.rounded(.down)
        case .ceil: x.rounded(.up)
        case .simple: x.rounded(scale < 1 ? .up : .down)
        }
    }

    /// The index inside of the operand that is closest to `x`; a huge coordinate must not trap.
    private func clamped(_ x: Double) -> Int { Int(min(max(x, 0), Double(input - 1))) }

    /// Weights by a filter that reaches `support` elements to either side, further when it is stretched.
    private func filtered(
        _ places: [Double], _ mode: ResizeMode, support: Double, _ filter: (Double) -> Double
    ) -> ResizeTaps {
        let stretch = mode.antialiases ? min(scale, 1) : 1
        let start = Int((-support / stretch).rounded(.down)) + 1
        var taps = ResizeTaps(count: 2 - 2 * start, inside: 0..<output)
        for x in places {
            // the element left of x, so that x lies in (base, base + 1]
            let base = x.rounded(.up) - 1
            var weights: [Double] = []
            for tap in 0..<taps.count {
                let at = base + Double(start + tap)
                let isOutside = at < 0 || at > Double(input - 1)
                taps.indices.append(clamped(at))
                weights.append(mode.excludesOutside && isOutside ? 0 : filter((at - x) * stretch))
            }
            let sum = weights.reduce(0, +)
            let normalises = (mode.antialiases || mode.excludesOutside) && sum != 0
            taps.weights += normalises ? weights.map { $0 / sum } : weights
        }
        return taps
    }
}

private func cubicWeight(_ distance: Double, _ a: Double) -> Double {
    let x = abs(distance)
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
}
