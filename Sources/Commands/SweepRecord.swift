// A sweep on file: JSON lines. The first names the device class and the calibration, one line per measured point
// follows, then per shape how many failed, at the end how many were measured. Read back, the points are predicted anew
// by today's model for the recorded device, so a change of the model is judged on measurements it had no part in.
//
//     {"schema":"ironworks.sweep-record/1","device_class":"…","calibration":"…"}
//     {"shape":"gemm:200x1000x520","schedule":"schedule for …","predicted_ns":863018.4,"measured_ns":901022.0}
//     {"type":"failed","shape":"gemm:200x1000x520","points":1}
//     {"type":"end","points":1451}

import Basics
import DeviceModel
import Roller
import Schedules

struct SweepPoint: Hashable {
    var schedule: Schedule
    var predictedNs: Double
    var measuredNs: Double
}

/// All measured points of one shape.
struct ShapeSweep: Hashable {
    var shape: KernelShape
    var points: [SweepPoint]
    /// Points that could not be compiled or timed, or computed something wrong.
    var failed = 0
}

struct SweepRecord: Equatable {
    static let schema = "ironworks.sweep-record/1"

    var device: Device
    var sweeps: [ShapeSweep]
    /// Whether the record ends as it should; otherwise its sweep was cut short.
    var isComplete = true

    var text: String {
        var lines = [
            JSON.object([
                ("schema", .string(SweepRecord.schema)), ("device_class", .string(device.kind.text)),
                ("calibration", .string(device.calibration.text)),
            ])
        ]
        for sweep in sweeps {
            lines += sweep.points.map { point in
                .object([
                    ("shape", .string(sweep.shape.text)), ("schedule", .string(point.schedule.text)),
                    ("predicted_ns", .number(point.predictedNs)), ("measured_ns", .number(point.measuredNs)),
                ])
            }
            if sweep.failed > 0 {
                lines.append(
                    .object([
                        ("type", .string("failed")), ("shape", .string(sweep.shape.text)),
                        ("points", .integer(sweep.failed)),
                    ]))
            }
        }
        if isComplete {
            let points = sweeps.reduce(0) { $0 + $1.points.count }
            lines.append(.object([("type", .string("end")), ("points", .integer(points))]))
        }
        return lines.map { $0.text + "\n" }.joined()
    }

    /// - Parameter path: names the file in errors.
    init(parsing text: String, path: String) throws(SweepRecordError) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let head = lines.first.flatMap({ FlatJSON($0) }), head.string("schema") == SweepRecord.schema,
            let kind = head.string("device_class").flatMap({ try? DeviceClass(parsing: $0) }),
            let calibration = head.string("calibration").flatMap({ try? Calibration(parsing: $0) })
        else { throw .notARecord(path: path) }
        device = Device(kind: kind, calibration: calibration)
        sweeps = []
        isComplete = false
        var problems: [KernelShape: KernelProblem] = [:]
        for (index, line) in lines.enumerated().dropFirst() where !line.isEmpty {
            func damaged(_ reason: String) -> SweepRecordError {
                .badLine(path: path, line: index + 1, reason: reason)
            }
            guard let object = FlatJSON(line) else { throw damaged("it is no object of texts and numbers") }
            if object.string("type") == "end" {
                isComplete = object.number("points") == Double(sweeps.reduce(0) { $0 + $1.points.count })
                continue
            }
            if object.string("type") == "failed" {
                guard let at = sweeps.firstIndex(where: { $0.shape.text == object.string("shape") }),
                    let failed = object.number("points").flatMap({ Int(exactly: $0) }), failed > 0
                else { throw damaged("failed points belong to a shape of the lines before") }
                sweeps[at].failed = failed
                continue
            }
            let (shape, point) = try SweepRecord.point(object, device, &problems, damaged)
            if let at = sweeps.firstIndex(where: { $0.shape == shape }) {
                sweeps[at].points.append(point)
            } else {
                sweeps.append(ShapeSweep(shape: shape, points: [point]))
            }
        }
        guard !sweeps.isEmpty else { throw .notARecord(path: path) }
    }

    init(device: Device, sweeps: [ShapeSweep], isComplete: Bool = true) {
        self.device = device
        self.sweeps = sweeps
        self.isComplete = isComplete
    }

    /// One measured point under today's prediction.
    private static func point(
        _ object: FlatJSON, _ device: Device, _ problems: inout [KernelShape: KernelProblem],
        _ damaged: (String) -> SweepRecordError
    ) throws(SweepRecordError) -> (KernelShape, SweepPoint) {
        guard let shapeText = object.string("shape"), let scheduleText = object.string("schedule"),
            let measured = object.number("measured_ns"), measured.isFinite, measured > 0
        else { throw damaged("a point has a shape, a schedule and a positive measured_ns") }
        do {
            let shape = try KernelShape(parsing: shapeText)
            let problem = try problems[shape] ?? shape.kernelProblem()
            problems[shape] = problem
            let schedule = try Schedule(parsing: scheduleText)
            try schedule.verify(for: problem.workload)
            let predicted = predict(problem.workload, schedule, device).ns
            return (shape, SweepPoint(schedule: schedule, predictedNs: predicted, measuredNs: measured))
        } catch {
            let explained = error as? any Explained
            throw damaged(explained?.sentence ?? "\(error)")
        }
    }
}

enum SweepRecordError: Explained, Equatable {
    case notARecord(path: String)
    case badLine(path: String, line: Int, reason: String)

    var sentence: String {
        switch self {
        case .notARecord(let path):
            "\(escaped(path)) is no recorded sweep: make one with 'ironworks sweep --record \(escaped(path))'"
        case .badLine(let path, let line, let reason): "\(escaped(path)) line \(line): \(escaped(reason, limit: 400))"
        }
    }
}

/// An object of texts and numbers, as `JSON` prints it; anything nested is refused.
struct FlatJSON {
    private enum Value {
        case string(String)
        case number(Double)
    }
    private var fields: [String: Value] = [:]

    init?(_ line: Substring) {
        var rest = Array(line.utf8)[...]
        func skipBlanks() { rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d } }
        func take(_ byte: UInt8) -> Bool {
            skipBlanks()
            guard rest.first == byte else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard take(UInt8(ascii: "{")) else { return nil }
        while fields.isEmpty || take(UInt8(ascii: ",")) {
            skipBlanks()
            guard let name = FlatJSON.text(&rest), take(UInt8(ascii: ":")) else { return nil }
            skipBlanks()
            if rest.first == UInt8(ascii: "\"") {
                guard let text = FlatJSON.text(&rest) else { return nil }
                fields[name] = .string(text)
            } else {
                let digits = rest.prefix { "+-.0123456789eE".utf8.contains($0) }
                guard let number = Double(String(decoding: digits, as: UTF8.self)) else { return nil }
                rest = rest.dropFirst(digits.count)
                fields[name] = .number(number)
            }
        }
        guard take(UInt8(ascii: "}")) else { return nil }
        skipBlanks()
        if !rest.isEmpty { return nil }
    }

    func string(_ name: String) -> String? {
        if case .string(let text)? = fields[name] { return text }
        return nil
    }

    func number(_ name: String) -> Double? {
        if case .number(let value)? = fields[name] { return value }
        return nil
    }

    /// A quoted text from its first quote on.
    private static func text(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard rest.first == UInt8(ascii: "\"") else { return nil }
        rest = rest.dropFirst()
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(validating: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let mark = rest.popFirst(), let found = unescaped(mark, &rest) else { return nil }
                bytes += found
            default: bytes.append(byte)
            }
        }
        return nil
    }

    private static func unescaped(_ mark: UInt8, _ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        switch mark {
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [mark]
        case UInt8(ascii: "u"):
            guard let code = UInt32(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16),
                let scalar = Unicode.Scalar(code)
            else { return nil }
            rest = rest.dropFirst(4)
            return Array(String(Character(scalar)).utf8)
        default: return nil
        }
    }
}
