// What this machine offers: processor, caches, memory, frequency governor, huge pages, compilers, sandbox.
// Input: where to look for compilers. Output: one value, for `doctor` and for the device class.
// Facts only; what to make of them is the caller's. What the system does not say is nil or empty, never guessed.

import Basics
import CSystem
import Glibc

package struct HostFacts: Sendable, Equatable {
    package struct Processor: Sendable, Equatable {
        package var vendor: String
        package var family: Int
        package var model: Int
        package var stepping: Int
        /// Names of the instruction sets that matter here, sorted: avx2, avx512bw, …
        package var instructionSets: [String]
        package var online: Int
        /// Those this process may run on.
        package var usable: Int
    }

    package struct Cache: Sendable, Equatable {
        package var level: Int
        package var instructionOnly: Bool
        package var bytes: Int
        package var lineBytes: Int
        package var ways: Int
        /// Logical processors that share one instance.
        package var sharedBy: Int
    }

    package var processor: Processor
    package var caches: [Cache]
    package var memoryBytes: Int
    package var target: CompileTarget
    package var kernelRelease: String
    /// `nil` where the system does not say.
    package var governor: String?
    package var transparentHugePages: String?
    /// 0 where Landlock is missing.
    package var landlockABI: Int
    /// First lines of the compilers' version texts with their paths; empty when there is none.
    package var compilers: [String]

    /// Looks at this machine. `searchPath` is where to look for compilers.
    package static func gather(searchPath: String) -> HostFacts {
        let compilers = (try? Toolchain.find(searchPath: searchPath)) ?? []
        var name = utsname()
        uname(&name)
        let release = withUnsafePointer(to: &name.release) {
            $0.withMemoryRebound(to: CChar.self, capacity: 65) { String(cString: $0) }
        }
        return HostFacts(
            processor: readProcessor(), caches: readCaches(), memoryBytes: Int(iw_memory_bytes()), target: .best,
            kernelRelease: release,
            governor: line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            transparentHugePages: chosen(line("/sys/kernel/mm/transparent_hugepage/enabled")),
            landlockABI: Int(iw_landlock_abi()), compilers: compilers.map { "\($0.firstLine) (\($0.path))" })
    }

    private static func readProcessor() -> Processor {
        var cpu = iw_cpu()
        iw_cpu_identify(&cpu)
        let sets: [(String, UInt8)] = [
            ("amx_tile", cpu.amx_tile), ("avx2", cpu.avx2), ("avx512_bf16", cpu.avx512_bf16),
            ("avx512_vnni", cpu.avx512_vnni), ("avx512bw", cpu.avx512bw), ("avx512dq", cpu.avx512dq),
            ("avx512f", cpu.avx512f), ("avx512vl", cpu.avx512vl), ("f16c", cpu.f16c), ("fma", cpu.fma),
        ]
        let vendor = withUnsafePointer(to: &cpu.vendor) {
            $0.withMemoryRebound(to: CChar.self, capacity: 16) { String(cString: $0) }
        }
        return Processor(
            vendor: vendor, family: Int(cpu.family), model: Int(cpu.model), stepping: Int(cpu.stepping),
            instructionSets: sets.filter { $0.1 != 0 }.map(\.0), online: Int(iw_online_cpus()),
            usable: Int(iw_usable_cpus()))
    }

    private static func readCaches() -> [Cache] {
        var found = [iw_cache](repeating: iw_cache(), count: 16)
        let count = iw_caches(&found, found.count)
        return found.prefix(count).map {
            Cache(
                level: Int($0.level), instructionOnly: $0.instruction_only != 0, bytes: Int($0.bytes),
                lineBytes: Int($0.line_bytes), ways: Int($0.ways), sharedBy: Int($0.sharing_cpus))
        }
    }

    /// The first line of a file of the system, which has no size that could be asked for.
    private static func line(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let got = read(file, &bytes, bytes.count)
        guard got > 0 else { return nil }
        return String(decoding: bytes[..<got].prefix { $0 != 0x0a }, as: UTF8.self)
    }

    /// The bracketed word of "always [madvise] never".
    private static func chosen(_ line: String?) -> String? {
        guard let line, let open = line.firstIndex(of: "["), let close = line.firstIndex(of: "]"), open < close else {
            return line
        }
        return String(line[line.index(after: open)..<close])
    }
}
