// The device under this process: its class from the host's facts, its calibration from the cache folder, measured
// once per class. The text in the cache pins the calibration, so a resumed job ranks as it did before.

import Basics
import DeviceModel
import Glibc
import Runtime

/// The local device, calibrated now if it never was (about two seconds).
func localDevice(_ local: LocalCompiler, note: (String) -> Void) throws -> Device {
    let kind = localDeviceClass(HostFacts.gather(searchPath: searchPath()), isa: local.isa)
    if let known = try storedCalibration(kind) { return Device(kind: kind, calibration: known) }
    note("calibrating \(kind.processor) (\(kind.isa.rawValue)) …")
    let measurer = ChildMeasurer(.init(readableFolders: [try objectFolder()]))
    let calibration = try calibrate(kind, measurer: measurer, compiler: local.compiler, gate: Gate())
    try Folder.make(calibrationFolder())
    try Folder.write(Array(calibration.text.utf8), to: calibrationPath(kind))
    return Device(kind: kind, calibration: calibration)
}
