// Why a machine could not be calibrated, as facts and as sentences. Each case is a fault of the machine's set-up, not
// of the device: the probes are our own kernels, so a compiler that refuses them or a child that cannot run them would
// fail every candidate too.

import Basics

package enum CalibrationError: Explained, Equatable {
    /// The compiler made no object of the probe kernels.
    case notCompiled(CompileFailure)
    /// A probe kernel could not be timed.
    case notMeasured(probe: String, MeasureFailure)
    /// A probe's least time is no positive number.
    case noTime(probe: String, ns: Double)

    package var sentence: String {
        switch self {
        case .notCompiled(let failure):
            if case .environment(let error) = failure.reason { return error.sentence }
            return "the compiler makes no object of the calibration's probe kernels (\(failure.reason.words)); try "
                + "another compiler, `ironworks doctor` lists them" + CalibrationError.quoted(failure.log)
        case .notMeasured(let probe, let failure):
            return "the calibration's probe kernel '\(escaped(probe))' gave no reading: \(failure.sentence); "
                + "`ironworks doctor` says what keeps code from being measured here"
        case .noTime(let probe, let ns):
            return "the calibration's probe kernel '\(escaped(probe))' took \(ns) ns, which no clock should say; "
                + "run this again"
        }
    }

    private static func quoted(_ log: String) -> String { log.isEmpty ? "" : ". It said: \(escaped(log, limit: 400))" }
}

extension CompileFailure.Reason {
    /// A few words for a sentence about something else.
    fileprivate var words: String {
        switch self {
        case .rejected(let exitCode): "exit code \(exitCode)"
        case .crashed(let signal): "it crashed with signal \(signal)"
        case .timedOut(let seconds): "not done after \(seconds) s"
        case .refused: "the object would run code when opened, or is damaged"
        case .environment: "the compiler or its cache folder cannot be used"
        }
    }
}
