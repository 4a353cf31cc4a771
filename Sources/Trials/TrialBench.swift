// What the device thread keeps between units: compilers, the measuring child, the reference kernel that shows drift,
// and the references' results of the last workloads, which trials with other compilers and finals ask for again.

import Basics
import DeviceModel
import Runtime
import TensorIR

final class TrialBench {
    let target: CompileTarget
    let compilers: CompilerSet
    let measurer: ChildMeasurer
    /// The kernel that shows how the device stands; `nil` when it does not compile.
    let drift: MeasureRequest?
    let gate = Gate()
    private var bursts = 0
    private var results: [Question: ReferenceResults] = [:]
    /// Oldest use first.
    private var uses: [Question] = []

    private struct Question: Hashable {
        var workload: Digest
        var inputClass: InputClass
    }

    /// Bytes of reference results that are kept.
    private static let resultBytesMax = 256 << 20

    init(_ target: CompileTarget, _ options: TrialOptions) throws(RuntimeError) {
        self.target = target
        compilers = try CompilerSet(
            target: target, searchPath: options.searchPath, cacheFolder: options.cacheFolder)
        measurer = ChildMeasurer(.init(readableFolders: [options.cacheFolder]))
        switch compilers.first.compile(source: ReferenceKernel.source(for: target), name: "drift") {
        case .compiled(let object): drift = ReferenceKernel.request(object, target: target)
        case .failed: drift = nil
        }
    }

    /// The number of a burst in this process's life, from 1.
    func nextBurst() -> Int {
        bursts += 1
        return bursts
    }

    /// Why a compiler that a unit names is not here.
    func missing(_ toolchain: Digest) -> String {
        let own = compilers.compilers.map(\.digest.short).joined(separator: ", ")
        return "this worker's compilers are \(own), the job asks for \(toolchain.short); "
            + "install the compiler that the job names or submit the job anew"
    }

    /// What the references compute for these parameters, computed once while it is kept; why they cannot otherwise.
    func expected(
        _ workload: Workload, _ digest: Digest, _ inputClass: InputClass, _ parameters: [TensorValue]
    ) -> ReferenceOutcome {
        let question = Question(workload: digest, inputClass: inputClass)
        uses.removeAll { $0 == question }
        uses.append(question)
        if let known = results[question] { return .results(known) }
        switch ReferenceRun.build(workload, compilers.first) {
        case .failed(let reason): return .failed(reason)
        case .ready(let reference):
            let outcome = reference.results(parameters, measurer)
            if case .results(let made) = outcome { keep(made, question) }
            return outcome
        }
    }

    private func keep(_ made: ReferenceResults, _ question: Question) {
        results[question] = made
        while results.values.reduce(0, { $0 + $1.bytes }) > TrialBench.resultBytesMax, let oldest = uses.first {
            results[oldest] = nil
            uses.removeFirst()
        }
    }
}

extension ReferenceResults {
    fileprivate var bytes: Int { (double + naive).reduce(0) { $0 + 8 * $1.type.elements } }
}
