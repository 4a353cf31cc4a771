// `ironworks device`: what the cost model knows about this machine. measure calibrates now and keeps the result where
// every command looks for it; show prints the class and the calibration that are in use.

import ArgumentParser
import Basics
import DeviceModel
import Glibc
import Runtime

struct DeviceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "device", abstract: "Measures this machine, or shows what was measured.",
        subcommands: [DeviceMeasureCommand.self, DeviceShowCommand.self])
}

struct DeviceMeasureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure",
        abstract: "Calibrates this machine now, about two seconds, and keeps the result.",
        discussion: "A new calibration ranks candidates anew: jobs planned with an old one are planned again.")

    @OptionGroup var global: GlobalOptions
    @Option(name: .long, help: "avx512, avx2 or plain (default: the best this machine has).")
    var isa: String?

    func run() throws {
        let local = try LocalCompiler(try isa.map(instructionSetOption))
        let kind = localDeviceClass(HostFacts.gather(searchPath: searchPath()), isa: local.isa)
        let before = try storedCalibration(kind)
        let measurer = ChildMeasurer(.init(readableFolders: [try objectFolder()]))
        let calibration = try calibrate(kind, measurer: measurer, compiler: local.compiler, gate: Gate())
        let path = calibrationPath(kind)
        try Folder.make(calibrationFolder())
        // workers may read it meanwhile
        try Folder.write(Array(calibration.text.utf8), to: path + ".draft")
        try Folder.replace(path + ".draft", final: path)
        let shown = ShownDevice(device: Device(kind: kind, calibration: calibration), before: before, path: path)
        standardOutput(global.json ? shown.json.text : shown.text)
    }
}

struct DeviceShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows this machine's class and calibration.")

    @OptionGroup var global: GlobalOptions
    @Option(name: .long, help: "avx512, avx2 or plain (default: the best this machine has).")
    var isa: String?

    func run() throws {
        let isa = try isa.map(instructionSetOption)
        let kind = localDeviceClass(HostFacts.gather(searchPath: searchPath()), isa: isa)
        guard let calibration = try storedCalibration(kind) else {
            throw InspectionError.neverMeasured(processor: "\(kind.processor) (\(kind.isa.rawValue))")
        }
        let shown = ShownDevice(
            device: Device(kind: kind, calibration: calibration), before: nil, path: calibrationPath(kind))
        standardOutput(global.json ? shown.json.text : shown.text)
    }
}

func calibrationFolder() -> String { cacheFolder() + "/calibrations" }

/// Where `localDevice` keeps the calibration of a class.
func calibrationPath(_ kind: DeviceClass) -> String { calibrationFolder() + "/" + kind.digest.hex + ".txt" }

/// The calibration in use; `nil` when the class was never measured.
func storedCalibration(_ kind: DeviceClass) throws -> Calibration? {
    let path = calibrationPath(kind)
    guard access(path, F_OK) == 0 else { return nil }
    let bytes = try Folder.read(path, limit: 1 << 16)
    do {
        return try Calibration(parsing: String(decoding: bytes, as: UTF8.self))
    } catch {
        throw InspectionError.badText(
            path: path, reason: "\(error.sentence); remove it, or replace it with 'ironworks device measure'")
    }
}

/// A device with its texts, and how far a new calibration is from the old one.
struct ShownDevice {
    var device: Device
    var before: Calibration?
    var path: String

    var text: String {
        var out = "// class \(device.kind.digest.hex)\n" + device.kind.text
        out += "// calibration \(device.calibration.digest.hex)\n" + device.calibration.text
        out += "// kept in \(escaped(path, limit: 1024))"
        let changed = changes
        if !changed.isEmpty { out += "\n// against the one before: " + changed.joined(separator: ", ") }
        return out
    }

    /// `l2BytesPerNs 0.97`: what is now over what was, for rates that changed.
    var changes: [String] {
        guard let before else { return [] }
        return zip(rates(device.calibration), rates(before)).compactMap { now, then in
            now.value == then.value ? nil : "\(now.name) \(fixed(now.value / then.value, 2))"
        }
    }

    var json: JSON {
        let kind = device.kind
        return .object([
            ("schema", .string("ironworks.device/1")), ("class", .string(kind.digest.hex)),
            ("isa", .string(kind.isa.rawValue)), ("processor", .string(kind.processor)),
            ("vector_registers", .integer(kind.vectorRegisters)), ("l1_bytes", .integer(kind.l1Bytes)),
            ("l2_bytes", .integer(kind.l2Bytes)), ("l3_bytes", .integer(kind.l3Bytes)),
            ("line_bytes", .integer(kind.lineBytes)), ("lanes", .integer(kind.lanes)),
            ("calibration", .string(device.calibration.digest.hex)),
            ("rates", .object(rates(device.calibration).map { ($0.name, .number($0.value)) })),
            ("class_text", .string(kind.text)), ("calibration_text", .string(device.calibration.text)),
            ("path", .string(path)),
        ])
    }

    /// Names and values as the calibration's text has them.
    private func rates(_ calibration: Calibration) -> [(name: String, value: Double)] {
        calibration.text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 2, let value = Double(words[1]) else { return nil }
            return (String(words[0]), value)
        }
    }
}
