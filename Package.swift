// swift-tools-version: 6.2
// One target per line of the module table in docs/architecture.md; imports point down only, and TidyTests checks it.

import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "ironworks",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .target(name: "CDigest", cSettings: [.unsafeFlags(["-O3"])]),
        module("Basics", ["CDigest"]),
        module("TensorIR", ["Basics"]),
        module("DeviceModel", ["Basics"]),
        module("Schedules", ["TensorIR", "DeviceModel", "Basics"]),
        module("KernelIR", ["TensorIR", "Basics"]),
        module("ProgramIR", ["TensorIR", "Basics"]),
        module("Lowering", ["KernelIR", "Schedules", "TensorIR"]),
        module("Grinder", ["TensorIR"]),
        module("Roller", ["Schedules", "DeviceModel", "TensorIR"]),
        module("Welder", ["Schedules", "TensorIR", "Basics"]),
        module("Rammer", ["ProgramIR", "TensorIR", "Basics"]),
        module(
            "Pipeline",
            [
                "Grinder", "Welder", "Roller", "Rammer", "Lowering", "Emit", "KernelIR", "ProgramIR", "Schedules",
                "DeviceModel", "ONNXImport", "TensorIR", "Basics", yams,
            ]),
        .target(
            name: "ONNXImport", dependencies: ["TensorIR", "Basics", protobuf], exclude: ["Proto/onnx.proto"],
            swiftSettings: strict),
        .target(name: "CKernelRuntime"),
        module("Emit", ["KernelIR", "ProgramIR", "DeviceModel", "TensorIR", "Basics", "CKernelRuntime"]),
        module("Export", ["Emit", "ProgramIR", "TensorIR", "Basics"]),
        .target(name: "CSystem"),
        module("Runtime", ["DeviceModel", "Basics", "CSystem"]),
        module("Catalog", ["Basics", grdb]),
        module("FarmCore", ["Basics"]),
        .systemLibrary(name: "CZeroMQ"),
        module("FarmTransport", ["FarmCore", "Basics", "CZeroMQ"]),
        module("FarmSimulation", ["FarmCore", "Basics"]),
        module(
            "Tuning", ["Pipeline", "Roller", "Schedules", "DeviceModel", "TensorIR", "FarmCore", "Catalog", "Basics"]),
        module(
            "Trials",
            [
                "Tuning", "Pipeline", "Lowering", "Roller", "Emit", "KernelIR", "Schedules", "DeviceModel", "TensorIR",
                "Runtime", "FarmTransport", "FarmCore", "Catalog", "Basics",
            ]),
        module(
            "Commands",
            [
                "Trials", "Tuning", "Pipeline", "Welder", "Export", "Emit", "ONNXImport", "Roller", "Lowering",
                "KernelIR",
                "ProgramIR", "Schedules", "DeviceModel", "TensorIR", "Runtime", "CSystem", "FarmTransport",
                "FarmSimulation", "FarmCore", "Catalog", "Basics", arguments,
            ]),
        .executableTarget(name: "ironworks", dependencies: ["Commands", "CSystem"], swiftSettings: strict),
        .target(
            name: "ImportFuzzing", dependencies: ["ONNXImport", "TensorIR", "Basics", protobuf],
            path: "Tests/ImportFuzzing", swiftSettings: strict),
        .executableTarget(
            name: "FuzzImport",
            dependencies: ["ImportFuzzing", "ONNXImport", "Runtime", "CSystem", "Basics", arguments],
            path: "Tests/FuzzImport", swiftSettings: strict),
        tests("BasicsTests", ["Basics", "CDigest"]),
        tests("TensorIRTests", ["TensorIR", "Basics"]),
        tests("DeviceModelTests", ["DeviceModel", "Basics"]),
        tests("SchedulesTests", ["Schedules", "DeviceModel", "TensorIR", "Basics"]),
        tests("KernelIRTests", ["KernelIR", "TensorIR", "Basics"]),
        tests("ProgramIRTests", ["ProgramIR", "TensorIR", "Basics"]),
        tests("LoweringTests", ["Lowering", "Roller", "KernelIR", "Schedules", "DeviceModel", "TensorIR", "Basics"]),
        tests("RollerTests", ["Roller", "Schedules", "DeviceModel", "TensorIR"]),
        tests("WelderTests", ["Welder", "Schedules", "TensorIR", "Basics"]),
        tests("RammerTests", ["Rammer", "ProgramIR", "TensorIR", "Basics"]),
        tests("GrinderTests", ["Grinder", "TensorIR", "Basics"]),
        tests(
            "PipelineTests",
            [
                "Pipeline", "ONNXImport", "Roller", "Schedules", "Lowering", "KernelIR", "ProgramIR", "DeviceModel",
                "TensorIR", "Basics",
            ]),
        tests("ONNXImportTests", ["ONNXImport", "ImportFuzzing", "TensorIR", "Basics", protobuf]),
        tests("EmitTests", ["Emit", "KernelIR", "ProgramIR", "DeviceModel", "TensorIR", "Basics"]),
        tests("ExportTests", ["Export", "Emit", "ProgramIR", "TensorIR", "Basics"]),
        tests("RuntimeTests", ["Runtime", "DeviceModel", "Basics", "CSystem", "ironworks"]),
        tests("CatalogTests", ["Catalog", "Basics", grdb]),
        tests("FarmCoreTests", ["FarmCore", "FarmSimulation", "Basics"]),
        tests("FarmTransportTests", ["FarmTransport", "FarmSimulation", "FarmCore", "Basics"]),
        tests("FarmSimulationTests", ["FarmSimulation", "FarmCore", "Basics"]),
        tests(
            "TuningTests",
            [
                "Tuning", "Pipeline", "Roller", "Schedules", "DeviceModel", "TensorIR", "FarmCore", "Catalog",
                "Basics",
            ]),
        tests(
            "TrialsTests",
            [
                "Trials", "Tuning", "Roller", "Runtime", "Schedules", "DeviceModel", "TensorIR", "FarmCore", "Catalog",
                "Basics",
            ]),
        tests(
            "CommandsTests",
            [
                "Commands", "Trials", "Tuning", "Pipeline", "Export", "Emit", "KernelIR", "ProgramIR", "Schedules",
                "DeviceModel", "TensorIR", "Runtime", "FarmSimulation", "FarmCore", "Catalog", "Basics", arguments,
            ]),
        tests("TidyTests", []),
    ]
)
