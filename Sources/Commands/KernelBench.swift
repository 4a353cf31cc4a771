// Timing many schedules of one workload against each other: lowered, compiled many to a translation unit, run in the
// measuring child over shared operands, each once a round in an order of the round, in quiet bursts.
//
// In:  schedules with their predictions.  Out: the least nanoseconds per call of each, or nothing where a candidate
// does not compile or run; what stays the same between candidates (inputs, prepared constants) is laid out once.

import Basics
import DeviceModel
import Emit
import KernelIR
import Lowering
import Runtime
import Schedules
import TensorIR

/// A compiled schedule: what a call of it needs.
struct BenchKernel {
    var schedule: Schedule
    var predictedNs: Double
    var buffers: [Buffer]
    /// Tasks of each phase.
    var phases: [Int]
    var scratchBytes: Int
    var objectPath: String
    var symbol: String
    var compiler: Toolchain.Family
}

/// Owned by one thread, like the child it holds.
final class KernelBench {
    /// Kernels of one translation unit and of one burst.
    static let batchMax = 48
    /// A kernel is called in a row for at least this long, by its prediction, in every round.
    static let sampleNs = 400_000.0
    /// A sample as long as this needs no call before it that warms the caches.
    private static let longSampleNs = 2_000_000.0
    /// How long a burst waits for other work on the host to make room.
    private static let quietWaitMs = 60_000

    let local: LocalCompiler
    let measurer: ChildMeasurer
    let gate = Gate()
    /// Bursts during which something else may have run.
    private(set) var bursts = (all: 0, beside: 0)
    /// What compiling cost so far: kernels that the object cache did not hold, and the time of their units.
    private(set) var compiling = (kernels: 0, ns: 0.0)
    /// Why the first candidate that fell out did.
    private(set) var firstFailure: String?

    init(_ local: LocalCompiler) throws {
        self.local = local
        measurer = ChildMeasurer(.init(readableFolders: [try objectFolder()]))
    }

    // MARK: compile

    /// One translation unit for all; when it does not compile, halves of it, so that only what is at fault is left out.
    func compiled(
        _ workload: Workload, _ schedules: [(schedule: Schedule, predictedNs: Double)], _ compiler: Compiler
    ) -> [BenchKernel?] {
        guard let first = schedules.first else { return [] }
        let kernels = schedules.map { lower(workload, $0.schedule) }
        let named = kernels.enumerated().map { (name: "c\($0.offset)", kernel: $0.element) }
        let source = emit(kernels: named, dialect: .c(first.schedule.isa))
        let effort: Toolchain.Effort = kernels.allSatisfy(\.isLoopsAroundTiles) ? .screening : .full
        let started = ContinuousClock.now
        switch gate.withCPUWork({ compiler.compile(source: source, name: "kernels", effort: effort) }) {
        case .compiled(let object):
            if !object.cached {
                compiling.kernels += kernels.count
                compiling.ns += (ContinuousClock.now - started) / .nanoseconds(1)
            }
            return zip(schedules, named).map { candidate, named in
                BenchKernel(
                    schedule: candidate.schedule, predictedNs: candidate.predictedNs, buffers: named.kernel.buffers,
                    phases: named.kernel.phases.map(\.tasks), scratchBytes: named.kernel.scratchBytes,
                    objectPath: object.path, symbol: named.name, compiler: compiler.toolchain.family)
            }
        case .failed(let failure):
            if schedules.count == 1 {
                remember("\(failure.reason): \(escaped(failure.log))")
                return [nil]
            }
            let half = schedules.count / 2
            return compiled(workload, Array(schedules[..<half]), compiler)
                + compiled(workload, Array(schedules[half...]), compiler)
        }
    }

    // MARK: time

    /// The least time of each kernel over `rounds` rounds of one burst; a kernel that cannot be timed has none.
    /// - Parameters:
    ///   - around: runs first and last in the same burst.
    ///   - seed: decides the order of every round.
    func leastNs(
        _ kernels: [BenchKernel], _ operands: KernelOperands, rounds: Int, seed: UInt64, around: () throws -> Void = {}
    ) throws -> [Double?] {
        guard !kernels.isEmpty else { return [] }
        let request = request(kernels, operands, rounds: rounds, seed: seed)
        let outcome = try gate.withQuietBurst(waitMs: KernelBench.quietWaitMs) { quiet in
            bursts.all += 1
            if quiet == .beside { bursts.beside += 1 }
            try around()
            let outcome = measurer.measureRounds(request)
            try around()
            return outcome
        }
        switch outcome {
        case .rounds(let measured):
            return kernels.indices.map { n in measured.times.map { $0[n] }.min() }
        case .failed(let failure):
            if kernels.count == 1 || !failure.blamesCandidate {
                remember(failure.sentence)
                return kernels.map { _ in nil }
            }
            let half = kernels.count / 2
            return try leastNs(Array(kernels[..<half]), operands, rounds: rounds, seed: seed, around: around)
                + leastNs(Array(kernels[half...]), operands, rounds: rounds, seed: seed, around: around)
        }
    }

    private func request(
        _ kernels: [BenchKernel], _ operands: KernelOperands, rounds: Int, seed: UInt64
    ) -> RoundsRequest {
        var pool = KernelOperands.Pool()
        let contestants = kernels.map { kernel in
            RoundsRequest.Contestant(
                candidate: kernel.schedule.digest, objectPath: kernel.objectPath,
                kernel: KernelCall(
                    symbol: kernel.symbol, phases: kernel.phases, operands: operands.places(of: kernel, in: &pool),
                    scratchBytes: kernel.scratchBytes),
                expectedNs: kernel.predictedNs)
        }
        let least = max(kernels.map(\.predictedNs).min() ?? 1, 1)
        let calls = least >= KernelBench.longSampleNs ? 1 : max(2, Int(KernelBench.sampleNs / least) + 1)
        let expectedMs = kernels.reduce(0) { $0 + $1.predictedNs } * Double(rounds * (calls + 1)) / 1e6
        var random = SeededRandom(seed: seed)
        let order = (0..<rounds).map { _ in Array(kernels.indices).shuffled(using: &random) }
        return RoundsRequest(
            contestants: contestants, operands: pool.operands, order: order, calls: calls,
            timeoutMs: Int(min(600_000, max(60_000, 20 * expectedMs))))
    }

    /// Runs a kernel once.
    func run(_ kernel: BenchKernel, _ operands: KernelOperands) -> ExecuteOutcome {
        var pool = KernelOperands.Pool()
        let call = KernelCall(
            symbol: kernel.symbol, phases: kernel.phases, operands: operands.places(of: kernel, in: &pool),
            scratchBytes: kernel.scratchBytes)
        return gate.withCPUWork {
            measurer.execute(
                ExecuteRequest(objectPath: kernel.objectPath, kernels: [call], operands: pool.operands))
        }
    }

    func remember(_ failure: String) {
        if firstFailure == nil { firstFailure = failure }
    }
}

/// The operands of a workload's kernels, each laid out once as its schedules ask.
final class KernelOperands {
    fileprivate struct Form: Hashable {
        var slot: Int
        var layout: Layout
        var prepare: Prepare?
    }
    fileprivate enum Place: Hashable {
        case parameter(Form)
        case result(Int, bytes: Int)
    }
    /// The buffers of one request, and which stands for what.
    struct Pool {
        fileprivate(set) var operands: [Operand] = []
        fileprivate var known: [Place: Int] = [:]
    }

    let workload: Workload
    private let parameters: [TensorValue]
    private var laidOut: [Form: [UInt8]] = [:]

    init(_ workload: Workload, _ parameters: [TensorValue]) {
        self.workload = workload
        self.parameters = parameters
    }

    /// Indices into the pool's operands in the order of the kernel's buffers.
    func places(of kernel: BenchKernel, in pool: inout Pool) -> [Int] {
        kernel.buffers.enumerated().map { n, buffer in
            let place: Place
            let operand: Operand
            switch buffer.role {
            case .constant, .input:
                let form = form(n, kernel.schedule)
                place = .parameter(form)
                if let index = pool.known[place] { return index }
                let bytes = contents(form, kernel.schedule)
                precondition(bytes.count == buffer.bytes, "a kernel's buffer holds what its schedule lays out")
                operand = Operand(
                    buffer.role == .constant ? .constant : .input, bytes: bytes.count, contents: .bytes(bytes))
            case .output:
                place = .result(n, bytes: buffer.bytes)
                if let index = pool.known[place] { return index }
                operand = Operand(.result, bytes: buffer.bytes)
            case .temporary:
                pool.operands.append(Operand(.temporary, bytes: buffer.bytes))
                return pool.operands.count - 1
            }
            pool.operands.append(operand)
            pool.known[place] = pool.operands.count - 1
            return pool.operands.count - 1
        }
    }

    private func form(_ slot: Int, _ schedule: Schedule) -> Form {
        Form(
            slot: slot, layout: schedule.interface.layout(ofSlot: slot),
            prepare: schedule.prepares.first { $0.slot == slot })
    }

    /// A prepared constant follows from its form: where the other operand comes from, and with it the order of the
    /// depth, is the same under every schedule of an interface.
    private func contents(_ form: Form, _ schedule: Schedule) -> [UInt8] {
        if let known = laidOut[form] { return known }
        let value = parameters[form.slot]
        let bytes: [UInt8]
        if let prepare = form.prepare, case .floats(let doubles) = value.elements {
            let floats = doubles.map { Float($0) }
            let packed = floats.withUnsafeBufferPointer { prepareConstant(workload, schedule, prepare, values: $0) }
            bytes = packed.withUnsafeBytes { Array($0) }
        } else {
            bytes = form.layout.arranged(value.bytes, value.type)
        }
        laidOut[form] = bytes
        return bytes
    }
}
