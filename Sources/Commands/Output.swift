// Output: data on stdout, progress and notes on stderr, JSON objects with a schema, snake_case keys and unit suffixes.
// Numbers that are absent are absent.

import ArgumentParser
import Basics
import Glibc

struct GlobalOptions: ParsableArguments {
    @Option(name: .long, help: "The catalog file (default: $IRONWORKS_CATALOG, else ./ironworks.db).")
    var catalog: String?
    @Flag(name: .long, help: "Print data as JSON.")
    var json = false
    @Flag(name: .long, help: "No progress.")
    var quiet = false
    @Flag(name: .long, help: "Say more.")
    var verbose = false
    @Flag(name: .long, help: "No colours and no cursor movement.")
    var noColor = false

    var catalogPath: String { catalog ?? environment("IRONWORKS_CATALOG") ?? "ironworks.db" }
}

func standardOutput(_ text: String) { writeAll(STDOUT_FILENO, text + "\n") }
func writeError(_ text: String) { writeAll(STDERR_FILENO, text + "\n") }

func writeAll(_ descriptor: Int32, _ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}

/// A JSON value with ordered keys; doubles print shortest round-trip.
indirect enum JSON {
    case string(String)
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case array([JSON])
    case object([(String, JSON?)])

    var text: String {
        switch self {
        case .string(let text): return JSON.quoted(text)
        case .integer(let value): return String(value)
        case .number(let value): return value.isFinite ? value.description : "null"
        case .boolean(let value): return value ? "true" : "false"
        case .array(let items): return "[" + items.map(\.text).joined(separator: ",") + "]"
        case .object(let fields):
            let present = fields.compactMap { name, value in value.map { JSON.quoted(name) + ":" + $0.text } }
            return "{" + present.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7f {
                    let digits = String(scalar.value, radix: 16)
                    out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }
}

/// A number with a fixed count of decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return value.isFinite ? value.description : "-" }
    let scale = (0..<decimals).reduce(1.0) { total, _ in total * 10 }
    let scaled = (abs(value) * scale).rounded()
    let whole = (scaled / scale).rounded(.down)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard decimals > 0 else { return sign + String(Int(whole)) }
    let digits = String(Int(scaled - whole * scale))
    return sign + "\(Int(whole))." + String(repeating: "0", count: decimals - digits.count) + digits
}

/// Rows as columns: the first left-aligned, the others right-aligned.
func table(_ rows: [[String]]) -> String {
    guard let columns = rows.map(\.count).max() else { return "" }
    let widths = (0..<columns).map { c in rows.map { $0.indices.contains(c) ? $0[c].count : 0 }.max() ?? 0 }
    return rows.map { row in
        let line = row.enumerated().map { c, cell in
            let pad = String(repeating: " ", count: widths[c] - cell.count)
            return c == 0 ? cell + pad : pad + cell
        }.joined(separator: "  ")
        return String(line.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
}
