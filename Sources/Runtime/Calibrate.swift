// Calibration: measures on this machine the rates and fixed costs that the compilers' cost model works with.
// Input: a device class, a measurer, a compiler for its instruction set, the host's gate. Output: a Calibration.
// Small kernels of our own run in quiet bursts; of each the least of several readings counts, since whatever disturbs a
// reading makes it longer. Takes one to two seconds, most of them for the data that is larger than the caches.

import DeviceModel

/// Measures the rates of one lane of the device.
///
/// The measurer keeps as much memory as the largest probe takes, twice (up to 512 MiB): give it one that is thrown away
/// afterwards. When the gate stays closed the readings are taken all the same, beside other work; the least of them
/// still stands.
/// - Parameters:
///   - kind: decides the sizes of the probes' data; its instruction set must be the compiler's target.
///   - measurer: the real child, which must be allowed to read the compiler's cache folder; a made-up device gives
///     made-up figures of the usual size.
///   - gate: compiling is work, measuring is a quiet burst.
/// - Throws: when the probes cannot be compiled or timed.
package func calibrate(
    _ kind: DeviceClass, measurer: any Measurer, compiler: Compiler, gate: Gate
) throws(CalibrationError) -> Calibration {
    precondition(compiler.target.isa == kind.isa, "the compiler's target is the class's instruction set")
    let plan = CalibrationPlan(kind)
    let probes = try compiled(CalibrationSource.text(for: kind.isa), "calibration", compiler, gate)
    // by itself, as bursts compile it: its time here is the baseline for theirs
    let reference = try compiled(ReferenceKernel.source(for: compiler.target), "reference", compiler, gate)
    func request(_ probe: CalibrationProbe) -> MeasureRequest {
        probe == .reference
            ? ReferenceKernel.request(reference, target: compiler.target) : plan.request(probe, probes)
    }

    var leastNs: [CalibrationProbe: Double] = [:]
    var left = plan.order
    var unread = Set(left)
    // a burst may end before all are read; then only what has no reading at all is worth another one
    while !unread.isEmpty {
        let burst = measureBurst(left.map(request), reference: nil, with: measurer, through: gate)
        for (probe, outcome) in zip(left, burst.outcomes) {
            let ns = try time(probe, outcome)
            leastNs[probe] = min(leastNs[probe] ?? ns, ns)
            unread.remove(probe)
        }
        left.removeFirst(burst.outcomes.count)
        left.removeAll { !unread.contains($0) }
    }
    return plan.calibration { probe in
        guard let ns = leastNs[probe] else { preconditionFailure("a probe in the plan's order has been read") }
        return ns
    }
}

private func compiled(
    _ source: String, _ name: String, _ compiler: Compiler, _ gate: Gate
) throws(CalibrationError) -> CompiledObject {
    switch gate.withCPUWork({ compiler.compile(source: source, name: name) }) {
    case .compiled(let object): return object
    case .failed(let failure): throw CalibrationError.notCompiled(failure)
    }
}

/// The least time of one reading.
private func time(_ probe: CalibrationProbe, _ outcome: MeasureOutcome) throws(CalibrationError) -> Double {
    switch outcome {
    case .failed(let failure): throw CalibrationError.notMeasured(probe: probe.rawValue, failure)
    case .reading(let reading):
        guard reading.leastNs > 0, reading.leastNs.isFinite else {
            throw CalibrationError.noTime(probe: probe.rawValue, ns: reading.leastNs)
        }
        return reading.leastNs
    }
}
