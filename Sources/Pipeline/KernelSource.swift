// The one place that turns (workload, schedule) into C: trials, programs and digests print the same text, so a record
// counts exactly when today's emitter prints the source it was measured with.

import Basics
import DeviceModel
import Emit
import KernelIR
import Lowering
import Schedules
import TensorIR

/// The C source of one kernel under the neutral name that source digests are taken over.
package func kernelSource(_ workload: Workload, _ schedule: Schedule, name: String = "kernel") -> String {
    emit(lower(workload, schedule), name: name, dialect: .c(schedule.isa))
}

package func sourceDigest(_ workload: Workload, _ schedule: Schedule) -> Digest {
    Digest(of: kernelSource(workload, schedule))
}

/// Identity of a candidate: what is computed, how, in which text, built by which toolchain.
package func candidateDigest(
    workload: Digest, schedule: Digest, source: Digest, toolchain: Digest
) -> Digest {
    Digest(of: [workload, schedule, source, toolchain].map(\.hex).joined(separator: " "))
}
