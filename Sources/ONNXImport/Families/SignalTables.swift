// Tables of signal processing that depend on numbers alone: the windows of Hann, Hamming and Blackman, and the weights
// that gather a spectrum into bands of the mel scale. All numbers must be known at import; each is a constant.

import TensorIR

/// A sum of cosines: `a0 + a1 cos(angle) + a2 cos(2 angle)`, where the angle goes once around the circle.
func cosineWindow(_ a0: Double, _ a1: Double, _ a2: Double = 0) -> OperatorFamily {
    { (e: inout Emitter) throws(NodeProblem) in
        let size = Int(try e.knownNumber(0, "size").integer)
        guard size >= 0, size <= Emitter.knownElementsMax else { throw .misfit("a window of \(size)") }
        let period = max(try e.flag("periodic", default: true) ? size : size - 1, 1)
        let dtype = try e.dtypeAttribute("output_datatype") ?? .f32
        let values = (0..<size).map { n in
            let angle = 2 * Double.pi * Double(n) / Double(period)
            return a0 + a1 * ScalarRules.apply(.cos, angle) + a2 * ScalarRules.apply(.cos, 2 * angle)
        }
        return [numbers(&e, values, TensorType(dtype, [size]))]
    }
}

/// A constant of numbers that are rounded to its dtype, or truncated.
private func numbers(_ e: inout Emitter, _ values: [Double], _ type: TensorType) -> ValueID {
    let literals = values.map { value -> Literal in
        type.dtype.isFloat
            ? .float(value, type.dtype) : .integer(ScalarRules.integer(value, type.dtype), type.dtype)
    }
    return e.constant(TensorValue(type, literals: literals))
}

/// `[dft_length / 2 + 1, num_mel_bins]`: one triangle per band, between edges that are even steps of
/// `2595 log10(1 + f / 700)` and fall on whole bins of the spectrum.
func emitMelWeightMatrix(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let bands = Int(try e.knownNumber(0, "num_mel_bins").integer)
    let length = Int(try e.knownNumber(1, "dft_length").integer)
    let rate = Int(try e.knownNumber(2, "sample_rate").integer)
    let edges = [try e.knownNumber(3, "lower_edge_hertz").float, try e.knownNumber(4, "upper_edge_hertz").float]
    let dtype = try e.dtypeAttribute("output_datatype") ?? .f32
    guard bands >= 1, length >= 1, rate >= 1, max(bands, length) <= Emitter.knownElementsMax,
        bands * (length / 2 + 1) <= 1 << 22, edges.allSatisfy({ $0 > -700 && $0.isFinite })
    else { throw .misfit("\(bands) bands of a transform of \(length) samples at \(rate) Hz") }
    let bins = length / 2 + 1
    func mel(_ hertz: Double) -> Double {
        2595 * ScalarRules.apply(.log, 1 + hertz / 700) / ScalarRules.apply(.log, 10)
    }
    func hertz(_ mel: Double) -> Double { 700 * (ScalarRules.apply(.power, 10, mel / 2595) - 1) }
    let (low, high) = (mel(edges[0]), mel(edges[1]))
    let step = (high - low) / Double(bands + 2)
    let places = (0..<(bands + 2)).map { n in
        Int(Int64(saturating: (Double(length + 1) * hertz(low + Double(n) * step) / Double(rate)).rounded(.down)))
    }
    guard places.allSatisfy({ (0..<bins).contains($0) }) else {
        throw .misfit("bands from \(edges[0]) to \(edges[1]) Hz in \(bins) bins at \(rate) Hz")
    }
    var out = [Double](repeating: 0, count: bins * bands)
    for band in 0..<bands {
        let (left, centre, right) = (places[band], places[band + 1], places[band + 2])
        if left >= centre { out[centre * bands + band] = 1 }
        for bin in left..<max(centre + 1, left) where left < centre {
            out[bin * bands + band] = Double(bin - left) / Double(centre - left)
        }
        for bin in centre..<max(right, centre) {
            out[bin * bands + band] = Double(right - bin) / Double(right - centre)
        }
    }
    return [numbers(&e, out, TensorType(dtype, [bins, bands]))]
}
