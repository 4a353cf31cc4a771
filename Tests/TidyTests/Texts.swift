// What must not stand in any text of the repository: marks of unfinished work, and paths of the machine on which
// somebody happened to write it. The words are spelled here in two halves, so that this file passes its own check.

enum Unwanted {
    static let marks = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]
    static let folders = ["home", "root", "Users", "work", "opt/swift"].map { "/" + $0 + "/" }
}

/// Marks of unfinished work.
func unfinishedFindings(_ file: TextFile) -> [Finding] {
    guard !file.isGenerated, Unwanted.marks.contains(where: { mentions(file.text, $0) }) else { return [] }
    return file.lines.enumerated().flatMap { index, line in
        Unwanted.marks.filter { stands($0, in: line) }.map {
            Finding(path: file.path, line: index + 1, message: "'\($0)': finish it, or file it where work is planned")
        }
    }
}

/// Absolute paths that exist on one machine only.
func machinePathFindings(_ file: TextFile) -> [Finding] {
    guard Unwanted.folders.contains(where: { mentions(file.text, $0) }) else { return [] }
    return file.lines.enumerated().flatMap { index, line in
        Unwanted.folders.filter { startsPath($0, in: line) }.map {
            Finding(path: file.path, line: index + 1, message: "'\($0)' is a path of one machine; start at the root")
        }
    }
}

/// Whether `folder` starts a path in `line`, not a later part of one.
private func startsPath(_ folder: String, in line: Substring) -> Bool {
    guard line.utf8.contains(UInt8(ascii: "/")) else { return false }
    return line.ranges(of: folder).contains { range in
        guard range.lowerBound > line.startIndex else { return true }
        let before = line[line.index(before: range.lowerBound)]
        return !(before.isLetter || before.isNumber || "._-~}$)*".contains(before))
    }
}
