// The sections of a job file, one function each: which keys there are, what they may hold, what this version refuses.
// Input: nodes with places. Output: the values of JobFile, defaults filled in.

import Basics

/// The keys of every mapping of the format, in the order of docs/formats/job.md.
enum JobKeys {
    static let file = [
        "version", "name", "catalog", "defaults", "models", "targets", "search", "budget", "farm", "report",
    ]
    static let settings = ["threads", "precision", "winograd", "priority", "tolerance"]
    static let model = ["path", "exclude", "name", "bindings", "inputs"] + settings
    static let tolerance = ["rtol", "atol"]
    static let inputs = ["seed", "file"]
    static let search = ["effort", "candidates", "toolchains"]
    static let budget = ["until", "for"]
    static let farm = ["workers", "listen", "cluster"]
}

enum JobLimits {
    static let lanes = 1...1024
    static let candidates = 1...1000
    static let workers = 1...256
    static let priorityMax = 1_000_000
}

/// Settings as far as someone wrote them.
struct PartialSettings {
    var threads: [Int]?
    var precision: JobFile.Precision?
    var winograd: JobFile.Winograd?
    var priority: Double?
    var rtol: Double?
    var atol: Double?

    init() {}

    init(defaults node: JobNode) throws(JobFileError) { try self.init(node.mapping(JobKeys.settings)) }

    /// Reads the keys of `defaults` from a mapping that may have others too.
    init(_ keys: JobMapping) throws(JobFileError) {
        threads = try keys["threads"].map(parseThreads)
        if let node = keys["precision"] {
            let word = try node.text(.choice(["fp32"]))
            precision = JobFile.Precision(rawValue: word)
            if precision == nil { throw node.notAvailable(.precision, word) }
        }
        winograd = try keys["winograd"]?.choice(JobFile.Winograd.self)
        priority = try keys["priority"]?.number(.numberAboveZero(atMost: JobLimits.priorityMax)) {
            $0 > 0 && $0 <= Double(JobLimits.priorityMax)
        }
        if let tolerance = try keys["tolerance"]?.mapping(JobKeys.tolerance) {
            rtol = try tolerance["rtol"]?.number(.numberUpToOne) { (0...1).contains($0) }
            atol = try tolerance["atol"]?.number(.numberUpToOne) { (0...1).contains($0) }
        }
    }

    /// What is not written here comes from `base`.
    func over(_ base: PartialSettings) -> PartialSettings {
        var out = self
        out.threads = threads ?? base.threads
        out.precision = precision ?? base.precision
        out.winograd = winograd ?? base.winograd
        out.priority = priority ?? base.priority
        out.rtol = rtol ?? base.rtol
        out.atol = atol ?? base.atol
        return out
    }

    var resolved: JobFile.Settings {
        var out = JobFile.Settings()
        out.threads = threads ?? out.threads
        out.precision = precision ?? out.precision
        out.winograd = winograd ?? out.winograd
        out.priority = priority ?? out.priority
        out.tolerance.rtol = rtol ?? out.tolerance.rtol
        out.tolerance.atol = atol ?? out.winograd.atol
        return out
    }
}

private func parseThreads(_ node: JobNode) throws(JobFileError) -> [Int] {
    var out: [Int] = []
    for item in try node.list(of: "lane counts") {
        let lanes = try item.integer(JobLimits.lanes)
        if out.contains(lanes) { throw .repeated(node.place, value: String(lanes)) }
        if !out.isEmpty { throw item.notAvailable(.threads, String(lanes)) }
        out.append(lanes)
    }
    return out
}

func parseModels(_ keys: JobMapping, over base: PartialSettings) throws(JobFileError) -> [JobFile.Model] {
    guard let node = keys["models"] else { throw .missingKey(in: keys.place, key: "models") }
    if node.found == .nothing || node.found == .emptyList { throw .noModels(node.place) }
    let entries = try node.list(of: "models")
    guard entries.count <= JobFile.modelsMax else {
        throw .tooMany(node.place, .models, count: entries.count, limit: JobFile.modelsMax)
    }
    var models: [JobFile.Model] = []
    for entry in entries { models.append(try parseModel(entry, over: base)) }
    return models
}

private func parseModel(_ node: JobNode, over base: PartialSettings) throws(JobFileError) -> JobFile.Model {
    if case .text(let path) = node.found, !path.isEmpty {
        return JobFile.Model(path: try node.text(.modelEntry), settings: base.resolved, line: node.place.line)
    }
    let keys = try node.mapping(JobKeys.model, expected: .modelEntry)
    guard let path = keys["path"] else { throw .missingKey(in: node.place, key: "path") }
    var model = JobFile.Model(path: try path.text(.path), line: node.place.line)
    for pattern in try keys["exclude"]?.list(of: "globs", isEmptyAllowed: true) ?? [] {
        model.exclude.append(try pattern.text(.path))
    }
    model.name = try keys["name"]?.name()
    model.bindings = try keys["bindings"].map(parseBindings) ?? []
    if let inputs = try keys["inputs"]?.mapping(JobKeys.inputs) {
        if let file = inputs["file"] { throw file.notAvailable(.inputsFile, try file.text(.path)) }
        model.inputSeed = UInt64(try inputs["seed"]?.integer(0...Int.max) ?? 0)
    }
    model.settings = try PartialSettings(keys).over(base).resolved
    return model
}

func parseTargets(_ node: JobNode?) throws(JobFileError) -> [String] {
    guard let node else { return ["cpu"] }
    var out: [String] = []
    for item in try node.list(of: "device names") {
        let device = try item.text()
        if device != "cpu" { throw item.notAvailable(.target, device) }
        if out.contains(device) { throw .repeated(node.place, value: device) }
        out.append(device)
    }
    return out
}

func parseSearch(_ node: JobNode?) throws(JobFileError) -> JobFile.Search {
    var search = JobFile.Search()
    guard let node else { return search }
    let keys = try node.mapping(JobKeys.search)
    search.effort = try keys["effort"]?.choice(JobFile.Effort.self) ?? search.effort
    search.candidates = try keys["candidates"]?.integer(JobLimits.candidates)
    if let list = keys["toolchains"] {
        search.toolchains = []
        for item in try list.list(of: "C compilers") {
            let compiler = try item.choice(JobFile.Compiler.self)
            if search.toolchains.contains(compiler) { throw .repeated(list.place, value: compiler.rawValue) }
            search.toolchains.append(compiler)
        }
    }
    return search
}

func parseBudget(_ node: JobNode?) throws(JobFileError) -> JobFile.Budget? {
    guard let node else { return nil }
    let keys = try node.mapping(JobKeys.budget)
    switch (keys["until"], keys["for"]) {
    case (nil, nil): throw .missingKey(in: node.place, key: "until")
    case (_?, _?): throw .twoBudgets(node.place)
    case (let until?, nil):
        guard let time = JobFile.ClockTime(try until.text(.clockTime)) else { throw until.wrong(.clockTime) }
        return .until(time)
    case (nil, let duration?):
        guard let span = parseDuration(try duration.text(.duration)) else { throw duration.wrong(.duration) }
        return .duration(span)
    }
}

func parseFarm(_ node: JobNode?) throws(JobFileError) -> JobFile.Farm {
    var farm = JobFile.Farm()
    guard let node else { return farm }
    let keys = try node.mapping(JobKeys.farm)
    farm.workers = try keys["workers"]?.integer(JobLimits.workers) ?? farm.workers
    if let listen = keys["listen"] {
        let word = try listen.text(.choice(["ipc"]))
        guard let known = JobFile.Listen(rawValue: word) else { throw listen.notAvailable(.listen, word) }
        farm.listen = known
    }
    if let cluster = keys["cluster"] {
        let word = try cluster.text(.choice(["none"]))
        guard let known = JobFile.Cluster(rawValue: word) else { throw cluster.notAvailable(.cluster, word) }
        farm.cluster = known
    }
    return farm
}
