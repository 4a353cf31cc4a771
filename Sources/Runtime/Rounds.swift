// A final: several candidates, built each alone, timed against each other in one process on one device. Every round
// calls each of them equally often in an order of its own, so whatever the device does in that moment it does to all.
// Input: contestants over shared operands and the order of every round. Output: times by round, or a failure.

import Basics
import CSystem
import Glibc

package struct RoundsRequest: Sendable {
    package struct Contestant: Sendable {
        package var candidate: Digest
        package var objectPath: String
        /// Its operands are indices into the request's.
        package var kernel: KernelCall
        /// What screening said of one call; the made-up device starts from it.
        package var expectedNs: Double
        package init(candidate: Digest, objectPath: String, kernel: KernelCall, expectedNs: Double) {
            self.candidate = candidate
            self.objectPath = objectPath
            self.kernel = kernel
            self.expectedNs = expectedNs
        }
    }
    package var contestants: [Contestant]
    package var operands: [Operand]
    /// For each round a permutation of the contestants' indices.
    package var order: [[Int]]
    /// Calls of each contestant in a round.
    package var calls: Int
    /// Copies of the constants that each contestant rotates through.
    package var constantCopies: Int
    package var timeoutMs: Int

    package init(
        contestants: [Contestant], operands: [Operand], order: [[Int]], calls: Int, constantCopies: Int = 1,
        timeoutMs: Int = 60_000
    ) {
        precondition(constantCopies >= 1, "the constants are there at least once")
        precondition(!contestants.isEmpty && !order.isEmpty && calls > 0, "a final has contestants, rounds and calls")
        precondition(
            order.allSatisfy { $0.sorted() == Array(contestants.indices) }, "a round calls every contestant once")
        self.contestants = contestants
        self.operands = operands
        self.order = order
        self.calls = calls
        self.constantCopies = constantCopies
        self.timeoutMs = timeoutMs
    }
}

package struct Rounds: Sendable, Equatable {
    /// Nanoseconds per call, by round, then by contestant in the order of the request.
    package var times: [[Double]]
    /// Executions that it cost.
    package var calls: Int
    /// Samples taken again because of involuntary switches.
    package var dropped: Int
    package init(times: [[Double]], calls: Int, dropped: Int = 0) {
        self.times = times
        self.calls = calls
        self.dropped = dropped
    }
}

package enum RoundsOutcome: Sendable, Equatable {
    case rounds(Rounds)
    case failed(MeasureFailure)
}

extension ChildMeasurer {
    package func measureRounds(_ request: RoundsRequest) -> RoundsOutcome {
        let kernels = request.contestants.map(\.kernel)
        let count = request.contestants.count
        guard request.order.count * count <= Int(IW_SAMPLES_MAX) else {
            return .failed(.refused(reason: "more than \(IW_SAMPLES_MAX) samples in a final"))
        }
        if let reason = ChildMeasurer.limitBroken(kernels, request.operands) {
            return .failed(.refused(reason: reason))
        }
        guard let arena = OperandArena(request.operands, scratchBytes: kernels.map(\.scratchBytes)) else {
            return .failed(.outOfMemory)
        }
        guard var tail = ChildMeasurer.tail(kernels, arena) else {
            return .failed(.refused(reason: "its symbol is too long"))
        }
        for (index, contestant) in request.contestants.enumerated() {
            switch loaded(contestant.objectPath, request.timeoutMs) {
            case .failure(let failure): return .failed(failure)
            case .success(let slot): tail[index].slot = slot
            }
        }
        var settings = MeasureSettings()
        settings.samples = request.order.count
        settings.timeoutMs = request.timeoutMs
        settings.constantCopies = request.constantCopies
        var message = iw_request()
        message.kind = UInt32(IW_ROUNDS)
        message.kernel_count = UInt32(count)
        message.calls = UInt64(request.calls)
        let bytes = tail.withUnsafeBytes { Array($0) } + request.order.joined().map { UInt8($0) }
        switch bytes.withUnsafeBytes({ perform(&message, $0, arena, request.operands, settings) }) {
        case .failure(let failure): return .failed(failure)
        case .success(let run): return rounds(run.reply, request.order.count, count)
        }
    }

    private func rounds(_ reply: UnsafePointer<iw_reply>, _ rounds: Int, _ contestants: Int) -> RoundsOutcome {
        guard Int(reply.pointee.sample_count) == rounds * contestants, reply.pointee.calls < 1 << 62 else {
            return .failed(.confused)
        }
        let times = (0..<rounds).map { round in
            (0..<contestants).map { iw_reply_sample(reply, round * contestants + $0).ns_per_call }
        }
        guard times.joined().allSatisfy({ $0.isFinite && $0 > 0 }) else { return .failed(.confused) }
        return .rounds(Rounds(times: times, calls: Int(reply.pointee.calls), dropped: Int(reply.pointee.dropped)))
    }
}

extension SyntheticMeasurer {
    /// What screening said of each contestant, under small noise of its own in every round.
    package func measureRounds(_ request: RoundsRequest) -> RoundsOutcome {
        let samples = request.contestants.map { contestant -> [Double] in
            var random = SeededRandom(seed: contestant.candidate.seed ^ seed)
            return request.order.map { _ in
                max(contestant.expectedNs, 1) * (1 + SyntheticMeasurer.noise * random.unit())
            }
        }
        return .rounds(request.madeUp(samples))
    }
}

extension RecordedMeasurer {
    /// The recorded samples of each contestant in turn.
    package func measureRounds(_ request: RoundsRequest) -> RoundsOutcome {
        var samples: [[Double]] = []
        for contestant in request.contestants {
            switch answer(contestant.candidate) {
            case .failed(let failure): return .failed(failure)
            case .reading(let reading): samples.append(reading.samplesNs)
            }
        }
        return .rounds(request.madeUp(samples))
    }
}

extension RoundsRequest {
    /// Rounds out of samples per contestant, which start again when they are used up.
    fileprivate func madeUp(_ samples: [[Double]]) -> Rounds {
        let times = order.indices.map { round in samples.map { $0[round % $0.count] } }
        return Rounds(times: times, calls: order.count * contestants.count * calls)
    }
}
