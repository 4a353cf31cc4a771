// The one place that turns (workload, schedule) into C: trials, finals, programs and digests print the same text, so a
// record counts exactly when today's emitter prints the source it was measured with.

import Basics
import DeviceModel
import Emit
import KernelIR
import Lowering
import Schedules
import TensorIR

/// The C source of one kernel under the neutral name that source digests are taken over.
package func kernelSource(_ workload: Workload, _ schedule: Schedule) -> String {
    kernelSource(lower(workload, schedule), schedule.isa)
}

/// The same for a kernel that is lowered already.
package func kernelSource(_ kernel: Kernel, _ isa: ISA) -> String {
    emit(kernel, name: kernelSourceName, dialect: .c(isa))
}

/// The name of the kernel in its source: phase p is the function `kernel_p`.
package let kernelSourceName = "kernel"

package func sourceDigest(_ workload: Workload, _ schedule: Schedule) -> Digest {
    Digest(of: kernelSource(workload, schedule))
}

/// Identity of a candidate: what is computed, how, in which text, built by which toolchain.
package func candidateDigest(
    workload: Digest, schedule: Digest, source: Digest, toolchain: Digest
) -> Digest {
    Digest(of: [workload, schedule, source, toolchain].map(\.hex).joined(separator: " "))
}
