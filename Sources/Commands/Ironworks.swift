// The command line. Every command is a thin shell: it reads files and the environment, calls the pure parts, and
// prints. stdout carries data, stderr progress and errors. Exit codes: 0 done, 1 bad usage or input, 2 finished but
// something is not verified, 5 farm lost, 130 interrupted.

import ArgumentParser
import Basics
import Glibc

package struct Ironworks: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "ironworks",
        abstract: "Tunes deep-learning models for this machine and exports their kernels.",
        version: buildID,
        subcommands: [
            RunCommand.self, BenchCommand.self, TestCommand.self, ExportCommand.self,
            TuneCommand.self, WorkerCommand.self,
            CatalogCommand.self, ExplainCommand.self, DumpCommand.self, IRCommand.self, ReduceCommand.self,
            ReduceProbeCommand.self, SimulateCommand.self,
            OperatorsCommand.self, DoctorCommand.self, DeviceCommand.self, KernelsCommand.self, SweepCommand.self,
        ])
    package init() {}

    /// Parses and runs; errors become one sentence on stderr and exit code 1.
    package static func main() {
        signal(SIGPIPE, SIG_IGN)
        do {
            if let fault = environment("IRONWORKS_FAULT") { try FaultPoint.arm(fault) }
            var command = try parseAsRoot()
            try command.run()
        } catch let error as any Explained {
            fail(error.sentence)
        } catch let code as ExitCode {
            Glibc.exit(code.rawValue)
        } catch {
            let code = exitCode(for: error)
            let text = fullMessage(for: error)
            if code == .success {
                standardOutput(text)
                Glibc.exit(0)
            }
            writeError(text)
            Glibc.exit(1)
        }
    }

    private static func fail(_ sentence: String) -> Never {
        writeError("error: " + sentence)
        Glibc.exit(1)
    }
}

/// Protocol and catalogs name the program that wrote them by this.
package let buildID = "ironworks 0.1.0"

/// An environment variable; only commands read the environment.
func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    return String(cString: value)
}
