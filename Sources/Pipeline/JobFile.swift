// The job file: what a person asks for, as a value. Input: the YAML text and its path. Output: every key of
// docs/formats/job.md with its defaults filled in, or one error that names line and key. Nothing is read here: paths
// stay as written until `expandedModels` resolves them with a folder lister that the caller brings.
// What the format has and this version does not do is refused, never skipped.

import Basics
import ONNXImport

package struct JobFile: Sendable, Hashable {
    /// Path of the file as it was given; empty for a job that was put together on the command line.
    package var path: String
    package var version = JobFile.supportedVersion
    /// Letters, digits, `-`, `_`, `.`; the file's name when the job has none.
    package var name: String
    /// As written; `catalogPath` resolves it.
    package var catalog: String?
    /// What holds for a model that does not say otherwise.
    package var defaults: Settings
    package var models: [Model]
    /// Device names; `cpu` alone in this version.
    package var targets: [String]
    package var search: Search
    /// `nil`: until nothing is left to do.
    package var budget: Budget?
    package var farm: Farm

    package static let supportedVersion = 1
    /// Longest text that is parsed, in bytes.
    package static let bytesMax = 1 << 20
    /// Most models that one job may have, variants included.
    package static let modelsMax = 10_000
    /// Most variants that the bindings of one entry may make, and most values of one binding.
    package static let variantsMax = 256

    /// The job of `tune MODEL.onnx…`: paths relative to the working folder, one set of bindings for all of them.
    package init(models paths: [String], bindings: [JobBinding] = []) {
        path = ""
        name = paths.first.map { safeName(stem(of: $0, without: [".onnx"])) } ?? "job"
        defaults = Settings()
        models = paths.map { Model(path: $0, bindings: bindings) }
        targets = ["cpu"]
        search = Search()
        farm = Farm()
    }

    /// Parses a job file.
    /// - Parameter path: where the text came from: for error sentences, the default name and relative paths.
    package init(parsing text: String, path: String) throws(JobFileError) {
        let root = try JobNode.root(of: text, path: path)
        try root.requireVersion()
        let keys = try root.mapping(JobKeys.file)
        self.path = path
        name = try keys["name"]?.name() ?? safeName(stem(of: path, without: [".yaml", ".yml", ".json"]))
        catalog = try keys["catalog"]?.text(.path)
        let partial = try keys["defaults"].map(PartialSettings.init(defaults:)) ?? PartialSettings()
        defaults = partial.resolved
        models = try parseModels(keys, over: partial)
        targets = try parseTargets(keys["targets"])
        search = try parseSearch(keys["search"])
        budget = try parseBudget(keys["budget"])
        farm = try parseFarm(keys["farm"])
        if let report = keys["report"] { throw report.notAvailable(.report, try report.text(.path)) }
    }
}

extension JobFile {
    /// One entry of `models`, before globs are expanded.
    package struct Model: Sendable, Hashable {
        /// As written: a file, or a glob in its last component.
        package var path: String
        /// Globs taken away from the matches of `path`.
        package var exclude: [String] = []
        /// `nil`: the file's name without `.onnx`.
        package var name: String?
        /// In the order of the file; several values of one binding are several models.
        package var bindings: [JobBinding] = []
        /// Seed of the random inputs.
        package var inputSeed: UInt64 = 0
        package var settings = Settings()
        /// Where the entry stands in the file, counted from 1; 0 without a file.
        package var line = 0
    }

    /// The keys of `defaults`, each with a value.
    package struct Settings: Sendable, Hashable {
        /// Lane counts; one in this version.
        package var threads = [1]
        package var precision = Precision.fp32
        package var winograd = Winograd.auto
        /// Weight in the order of work, greater than 0.
        package var priority = 1.0
        package var tolerance = Tolerance()
    }

    package enum Precision: String, CaseIterable, Sendable { case fp32 }

    package enum Winograd: String, CaseIterable, Sendable {
        case auto, never
        /// The share that goes with it when no tolerance is written: direct convolution agrees ten times as well.
        var atol: Double { self == .never ? 1e-5 : 1e-4 }
    }

    /// How far an output may be from the reference: |a − b| ≤ rtol·|b| + atol·max|b|.
    package struct Tolerance: Sendable, Hashable {
        package var rtol = 1e-3
        /// A share of the output's largest value.
        package var atol = 1e-4
    }

    package enum Effort: String, CaseIterable, Sendable {
        case quick, night, exhaustive
        /// Schedules measured per workload when the job does not say.
        package var candidates: Int {
            switch self {
            case .quick: 6
            case .night: 10
            case .exhaustive: 30
            }
        }
    }

    package enum Compiler: String, CaseIterable, Sendable { case clang, gcc }

    package struct Search: Sendable, Hashable {
        package var effort = Effort.night
        /// As written; `nil` leaves it to the effort.
        package var candidates: Int?
        /// In order of preference: the first that is installed compiles every candidate, the others the best of them.
        package var toolchains = Compiler.allCases
        /// The most schedules measured per workload.
        package var candidatesPerWorkload: Int { candidates ?? effort.candidates }
    }

    package struct Farm: Sendable, Hashable {
        /// Local workers that `tune` starts and watches.
        package var workers = 1
        package var listen = Listen.ipc
        package var cluster = Cluster.alone
    }

    package enum Listen: String, CaseIterable, Sendable { case ipc }

    package enum Cluster: String, CaseIterable, Sendable { case alone = "none" }
}

/// A model to tune: one file with one set of extents.
package struct JobModel: Sendable, Hashable {
    /// Unique in its job; letters, digits, `-`, `_`, `.`.
    package var name: String
    /// Relative to the working folder, or absolute.
    package var path: String
    package var bindings: Bindings
    package var inputSeed: UInt64
    package var settings: JobFile.Settings
}
