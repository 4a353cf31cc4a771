// When to stop: `{until: "07:30"}` or `{for: 8h}` in a job, `--until 07:30` or `--budget 8h` on the command line.
// Values only: what the clock says now is the caller's to know.

import Basics

extension JobFile {
    package enum Budget: Sendable, Hashable {
        /// The next time that a local clock shows this.
        case until(ClockTime)
        case duration(Tick.Span)

        /// Longest duration, 30 days.
        package static let hoursMax = 720

        /// Parses the value of `--until`.
        package init(until text: String) throws(JobFileError) {
            guard let time = ClockTime(text) else {
                throw .value(.option("--until"), expected: .clockTime, found: .text(text))
            }
            self = .until(time)
        }

        /// Parses the value of `--budget`.
        package init(duration text: String) throws(JobFileError) {
            guard let span = parseDuration(text) else {
                throw .value(.option("--budget"), expected: .duration, found: .text(text))
            }
            self = .duration(span)
        }
    }

    /// A time of day on a local clock.
    package struct ClockTime: Sendable, Hashable {
        /// 0 to 23.
        package var hour: Int
        /// 0 to 59.
        package var minute: Int

        /// Parses `HH:MM`; `nil` for anything else.
        package init?(_ text: String) {
            let bytes = Array(text.utf8)
            guard bytes.count == 5, bytes[2] == UInt8(ascii: ":"), let hour = decimal(bytes[..<2]),
                let minute = decimal(bytes[3...]), hour < 24, minute < 60
            else { return nil }
            (self.hour, self.minute) = (hour, minute)
        }
    }
}

/// Parses `90s`, `20m` or `8h`: a positive integer and one unit, 30 days at most; `nil` for anything else.
package func parseDuration(_ text: String) -> Tick.Span? {
    let bytes = Array(text.utf8)
    let secondsPerUnit: Int
    switch bytes.last {
    case UInt8(ascii: "s"): secondsPerUnit = 1
    case UInt8(ascii: "m"): secondsPerUnit = 60
    case UInt8(ascii: "h"): secondsPerUnit = 3600
    default: return nil
    }
    let secondsMax = JobFile.Budget.hoursMax * 3600
    guard let count = decimal(bytes.dropLast()), (1...secondsMax / secondsPerUnit).contains(count) else { return nil }
    return .seconds(Int64(count * secondsPerUnit))
}

/// The value of 1 to 9 decimal digits.
private func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
    guard (1...9).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
}
