// What `run`, `bench`, `test` and `export` can refuse beyond what the parts below them refuse. Facts up here, one
// sentence per case below.

import Basics

enum ModelError: Explained, Equatable {
    /// `--bind` with several values, or a pattern with several files, where one model is wanted.
    case severalModels(argument: String, count: Int)
    case notTuned(model: String, missing: Int, workloads: Int)
    case cannotExecute(isa: String)
    case peerMissing(path: String)
    case peerFailed(model: String)
    case noTestCase(path: String)
    /// A name for several models.
    case nameForSeveral(name: String, count: Int)
    /// Two models would be written to one place.
    case sameExportName(name: String, first: String, second: String)
    case exportFolder(path: String, FolderProblem)
    case archiverMissing
    case toolFailed(tool: String, log: String)
    case selfTestFailed(model: String, log: String)
    case disagrees(model: String)

    enum FolderProblem: Equatable {
        case notFolder
        case notEmpty
        case damagedManifest
    }

    var sentence: String {
        switch self {
        case .severalModels(let argument, let count):
            "\(escaped(argument)) stands for \(count) models and this command takes one; give one file and one value "
                + "per binding"
        case .notTuned(let model, let missing, let workloads):
            "\(missing) of \(workloads) workloads of \(escaped(model)) have no measured winner; run 'ironworks tune' "
                + "first, or leave --require-tuned out"
        case .cannotExecute(let isa):
            "this machine does not execute \(isa); export on one that does, so that the result can be verified"
        case .peerMissing(let path):
            "ONNX Runtime is not installed in \(escaped(path)); run 'jobs/fetch --with-onnxruntime'"
        case .peerFailed(let model): "ONNX Runtime gave no latency for \(escaped(model)); try --seconds 10"
        case .noTestCase(let path):
            "\(escaped(path)) is no ONNX test case and holds none; name a folder with model.onnx, or folders of those"
        case .nameForSeveral(let name, let count):
            "--name \(escaped(name)) cannot name \(count) models; export them one by one, or leave it out"
        case .sameExportName(let name, let first, let second):
            "\(escaped(first)) and \(escaped(second)) would both be exported as \(name); export them one by one with "
                + "--name"
        case .exportFolder(let path, let problem): "\(escaped(path)) \(problem.phrase)"
        case .archiverMissing:
            "no archiver on the PATH: install ar or llvm-ar (Debian: apt-get install binutils), then run this again"
        case .toolFailed(let tool, let log):
            "\(escaped(tool)) failed while the bundle was built: \(escaped(log, limit: 600))"
        case .selfTestFailed(let model, let log):
            "the self-test of \(escaped(model)) failed, so nothing was exported: \(escaped(log, limit: 600))"
        case .disagrees(let model):
            "the tuned program of \(escaped(model)) disagrees with the first one, so nothing was exported; please "
                + "report this"
        }
    }
}

extension ModelError.FolderProblem {
    fileprivate var phrase: String {
        switch self {
        case .notFolder: "is no folder; choose another --out"
        case .notEmpty: "is not empty and holds no bundle; choose another --out, or empty it"
        case .damagedManifest:
            "holds a bundle whose manifest.json was changed by hand; choose another --out, or remove it"
        }
    }
}
