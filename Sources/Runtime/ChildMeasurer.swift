// The measurer that really runs code, in a long-lived sandboxed child that is replaced after every crash, timeout and
// red-zone violation. Input: requests. Output: readings, result bytes, or failures as values; it never throws.
// Owned by one thread, which must outlive it: the child's parent-death signal is tied to the thread that started it.

import Basics
import CSystem
import Glibc

package final class ChildMeasurer: Measurer, Executor {
    package struct Configuration: Sendable {
        /// A program whose main starts with the measuring child: this one.
        package var executablePath = "/proc/self/exe"
        /// The crash reporter of the Swift runtime would make forbidden calls and hide the true signal.
        package var environment = ["SWIFT_BACKTRACE=enable=no", "LC_ALL=C"]
        /// Folders with objects and weights; the child may read these and the system's libraries.
        package var readableFolders: [String]
        package var memoryBytesMax = 64 << 30
        /// A processor to stay on; `nil` leaves it to the system.
        package var processor: Int?
        package var helloTimeoutMs = 10_000

        package init(readableFolders: [String]) { self.readableFolders = readableFolders }

        var childArguments: [String] {
            ["measure-child", "memory=\(memoryBytesMax)"] + (processor.map { ["cpu=\($0)"] } ?? [])
                + readableFolders.map { "read=" + Folder.absolute($0) }
        }
    }

    private let configuration: Configuration
    private var child: MeasureChild?
    private var memory: SharedMemory?
    /// Children started so far; one more than the number that had to be replaced.
    package private(set) var childrenStarted = 0

    package init(_ configuration: Configuration) { self.configuration = configuration }

    /// What protects this process from measured code; starts the child if need be, `nil` when it cannot run.
    package var sandbox: Sandbox? { try? started().sandbox }

    package func measure(_ request: MeasureRequest) -> MeasureOutcome {
        switch runKernels(request.kernels, request.operands, request.objectPath, timing: request.settings) {
        case .success(let run): return MeasureOutcome(reading: run.reply)
        case .failure(let failure): return .failed(failure)
        }
    }

    package func execute(_ request: ExecuteRequest) -> ExecuteOutcome {
        var settings = MeasureSettings()
        settings.timeoutMs = request.timeoutMs
        let ran = runKernels(request.kernels, request.operands, request.objectPath, timing: nil, settings)
        return results(ran, request.operands)
    }

    package func measureProgram(_ request: ProgramRequest) -> MeasureOutcome {
        switch runProgram(request, timed: true) {
        case .success(let run): return MeasureOutcome(reading: run.reply)
        case .failure(let failure): return .failed(failure)
        }
    }

    package func executeProgram(_ request: ProgramRequest) -> ExecuteOutcome {
        results(runProgram(request, timed: false), ChildMeasurer.buffers(of: request))
    }

    // MARK: requests

    struct Run {
        var reply: UnsafePointer<iw_reply>
        var arena: OperandArena
        var fingerprints: [UInt64?]
    }

    private func runKernels(
        _ kernels: [KernelCall], _ operands: [Operand], _ path: String, timing: MeasureSettings?,
        _ execution: MeasureSettings = .init()
    ) -> Result<Run, MeasureFailure> {
        if let reason = ChildMeasurer.limitBroken(kernels, operands) { return .failure(.refused(reason: reason)) }
        guard let arena = OperandArena(operands, scratchBytes: kernels.map(\.scratchBytes)) else {
            return .failure(.outOfMemory)
        }
        guard var tail = ChildMeasurer.tail(kernels, arena) else {
            return .failure(.refused(reason: "its symbol is too long"))
        }
        var request = iw_request()
        request.kind = UInt32(timing == nil ? IW_EXECUTE : IW_TIME)
        request.kernel_count = UInt32(kernels.count)
        switch loaded(path, (timing ?? execution).timeoutMs) {
        case .failure(let failure): return .failure(failure)
        case .success(let slot): for index in tail.indices { tail[index].slot = slot }
        }
        return tail.withUnsafeBytes { perform(&request, $0, arena, operands, timing ?? execution) }
    }

    /// Kernels as the child reads them, still without a slot; `nil` when a symbol is too long.
    static func tail(_ kernels: [KernelCall], _ arena: OperandArena) -> [iw_kernel]? {
        var tail = kernels.map { _ in iw_kernel() }
        for (index, kernel) in kernels.enumerated() {
            guard iw_kernel_set_symbol(&tail[index], kernel.symbol) != 0 else { return nil }
            tail[index].phase_count = UInt32(kernel.phases.count)
            tail[index].operand_count = UInt32(kernel.operands.count)
            tail[index].scratch = iw_span(arena.scratch[index])
            for (phase, tasks) in kernel.phases.enumerated() { iw_kernel_set_tasks(&tail[index], phase, Int64(tasks)) }
            for (place, operand) in kernel.operands.enumerated() {
                iw_kernel_set_operand(&tail[index], place, iw_span(arena.operands[operand]))
            }
        }
        return tail
    }

    private func runProgram(_ program: ProgramRequest, timed: Bool) -> Result<Run, MeasureFailure> {
        let buffers = ChildMeasurer.buffers(of: program)
        guard buffers.count <= Int(IW_BUFFERS_MAX) else {
            return .failure(.refused(reason: "more than \(IW_BUFFERS_MAX) inputs and outputs"))
        }
        guard let arena = OperandArena(buffers, scratchBytes: []) else { return .failure(.outOfMemory) }
        var request = iw_request()
        request.kind = UInt32(timed ? IW_PROGRAM_TIME : IW_PROGRAM_EXECUTE)
        request.input_count = UInt32(program.inputs.count)
        request.buffer_count = UInt32(buffers.count)
        guard iw_request_set_path(&request, Folder.absolute(program.weightsPath)) != 0,
            iw_request_set_prefix(&request, program.prefix) != 0
        else { return .failure(.refused(reason: "its weights' path or its prefix is too long")) }
        switch loaded(program.libraryPath, program.settings.timeoutMs) {
        case .failure(let failure): return .failure(failure)
        case .success(let slot): request.slot = slot
        }
        return arena.operands.map { iw_span($0) }.withUnsafeBytes {
            perform(&request, $0, arena, buffers, program.settings)
        }
    }

    /// The slot in which the child holds an object open.
    func loaded(_ path: String, _ timeoutMs: Int) -> Result<UInt32, MeasureFailure> {
        do {
            return try started().load(path, timeoutMs: timeoutMs)
        } catch {
            return .failure(.unavailable(reason: error.reason))
        }
    }

    /// Fills the arena, sends the request. Its objects are open.
    func perform(
        _ request: inout iw_request, _ tail: UnsafeRawBufferPointer, _ arena: OperandArena, _ operands: [Operand],
        _ settings: MeasureSettings
    ) -> Result<Run, MeasureFailure> {
        let child: MeasureChild
        do { child = try started() } catch { return .failure(.unavailable(reason: error.reason)) }
        guard let memory, memory.grow(to: arena.totalBytes), let base = memory.base else {
            return .failure(.outOfMemory)
        }
        let fingerprints = arena.fill(base, operands)
        request.arena_bytes = UInt64(arena.totalBytes)
        request.constant_bytes = UInt64(arena.constantBytes)
        request.constant_copies = UInt32(max(1, settings.constantCopies))
        request.samples = UInt32(min(max(1, settings.samples), Int(IW_SAMPLES_MAX)))
        request.warm_ns = UInt64(settings.warmNs)
        request.sample_ns_min = UInt64(settings.sampleNsMin)
        request.cutoff_ns = settings.cutoffNs
        switch child.call(&request, tail: tail, timeoutMs: settings.timeoutMs) {
        case .failure(let failure): return .failure(failure)
        case .success(let reply):
            if let failure = MeasureChild.failure(in: reply) { return .failure(failure) }
            return .success(Run(reply: reply, arena: arena, fingerprints: fingerprints))
        }
    }

    /// Reads results after checking red zones. A child that ran such code is not trusted with the next request.
    private func results(_ ran: Result<Run, MeasureFailure>, _ operands: [Operand]) -> ExecuteOutcome {
        switch ran {
        case .failure(let failure): return .failed(failure)
        case .success(let run):
            guard let base = memory?.base else { return .failed(.outOfMemory) }
            if let damage = run.arena.damage(base, fingerprints: run.fingerprints) {
                child?.end()
                return .failed(damage)
            }
            let wanted = operands.indices.filter { operands[$0].role == .result }
            return .outputs(wanted.map { run.arena.bytes(base, operand: $0) })
        }
    }

    // MARK: the child

    /// The living child, started if need be.
    private func started() throws(MeasureChildError) -> MeasureChild {
        if let child, child.isAlive { return child }
        child = nil
        let memory: SharedMemory
        if let present = self.memory {
            memory = present
        } else {
            guard let made = SharedMemory() else { throw MeasureChildError(reason: "no shared memory") }
            memory = made
            self.memory = made
        }
        childrenStarted += 1
        let fresh = try MeasureChild(configuration, memory: memory)
        child = fresh
        return fresh
    }

    private static func buffers(of program: ProgramRequest) -> [Operand] {
        program.inputs + program.outputBytes.map { Operand(.result, bytes: $0) }
    }

    static func limitBroken(_ kernels: [KernelCall], _ operands: [Operand]) -> String? {
        if kernels.count > Int(IW_KERNELS_MAX) { return "more than \(IW_KERNELS_MAX) kernels in a request" }
        for kernel in kernels {
            if kernel.phases.count > Int(IW_PHASES_MAX) { return "more than \(IW_PHASES_MAX) phases" }
            if kernel.operands.count > Int(IW_OPERANDS_MAX) { return "more than \(IW_OPERANDS_MAX) operands" }
            precondition(
                kernel.operands.allSatisfy(operands.indices.contains), "a kernel names operands of its request")
        }
        return nil
    }
}

extension MeasureOutcome {
    /// The reading that a timing reply holds.
    fileprivate init(reading reply: UnsafePointer<iw_reply>) {
        let samples = (0..<Int(reply.pointee.sample_count)).map { iw_reply_sample(reply, $0) }
        let times = samples.map(\.ns_per_call)
        guard !times.isEmpty, times.allSatisfy({ $0.isFinite && $0 >= 0 }), reply.pointee.calls < 1 << 62 else {
            self = .failed(.confused)
            return
        }
        let switches = samples.reduce(UInt64(0)) { $0 &+ $1.involuntary_switches }
        self = .reading(
            Reading(
                samplesNs: times, calls: Int(reply.pointee.calls), involuntarySwitches: Int(min(switches, 1 << 32)),
                dropped: Int(reply.pointee.dropped), cut: reply.pointee.cut != 0))
    }
}

extension iw_span {
    fileprivate init(_ region: OperandArena.Region) {
        self.init(offset: UInt64(region.offset), bytes: UInt64(region.bytes))
    }
}
