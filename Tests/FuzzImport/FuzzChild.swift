// The child: makes cases, hands each to the importer as a file, and says on descriptor 3 what it does, so that its
// parent knows which case it died of. A case lies in a folder with what external data may name: a file, a folder, a
// pipe, links. Lines: `S FILE SEED` before a case, `E FILE SEED NANOSECONDS PEAK_KIB imported|refused|broken KIND`
// after it; FILE is the place in the list of arguments.

import ArgumentParser
import CSystem
import Glibc
import ImportFuzzing
import ONNXImport
import Runtime

/// Where the child writes to.
let progressDescriptor: Int32 = 3

struct FuzzChild: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "child", shouldDisplay: false)

    @Argument(help: "The folder of the cases.")
    var folder: String
    @Argument(help: "FILE FIRST END for each file.")
    var parts: [String]

    func run() throws {
        guard fcntl(progressDescriptor, F_GETFD) >= 0 else { throw ValidationError("only FuzzImport starts a child") }
        guard parts.count % 3 == 0 else { throw ValidationError("FILE FIRST END for each file") }
        try CaseFolder.prepare(folder)
        for file in 0..<(parts.count / 3) {
            let bytes = try Folder.read(parts[3 * file])
            guard let first = UInt64(parts[3 * file + 1]), let end = UInt64(parts[3 * file + 2]), first <= end
            else { throw ValidationError("seeds are numbers") }
            for seed in first..<end { try run(bytes, file, seed) }
        }
    }

    private func run(_ bytes: [UInt8], _ file: Int, _ seed: UInt64) throws {
        writeLine(progressDescriptor, "S \(file) \(seed)")
        let path = folder + "/" + CaseFolder.caseName
        // a new file each time: the importer may still hold a mapping of the old one
        unlink(path)
        try Folder.write(fuzzCase(bytes, seed: seed), to: path)
        let started = iw_clock_ns()
        let outcome = importOutcome { () throws(ImportError) in try ModelFile(path: path) }
        let elapsed = iw_clock_ns() - started
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let words =
            switch outcome {
            case .imported: "imported"
            case .refused(let kind): "refused \(kind)"
            case .broken(let reason): "broken \(reason)"
            }
        writeLine(progressDescriptor, "E \(file) \(seed) \(elapsed) \(usage.ru_maxrss) \(words)")
    }
}

/// What lies beside a case.
enum CaseFolder {
    static let caseName = "case.onnx"
    private static let dataBytes = 4_096

    static func prepare(_ folder: String) throws {
        try Folder.make(folder + "/folder")
        try Folder.write(Array(repeating: 1, count: dataBytes), to: folder + "/data.bin")
        try Folder.write(Array(repeating: 2, count: dataBytes), to: folder + "/folder/inner.bin")
        mkfifo(folder + "/pipe", 0o600)
        symlink("/etc/passwd", folder + "/link")
        symlink("data.bin", folder + "/inner-link")
    }
}
