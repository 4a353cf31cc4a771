// The shape of a file: how long, how wide, with which opening. A file opens with a comment that says what it is, for
// the reader who came from a file list. Generated code is exempt; nothing else is.

enum Limit {
    static let linesPerFile = 400
    static let columns = 120
    static let linesPerFunction = 60
    static let headerLines = 1...14
}

/// A file that is too long, or lines that are too wide.
func sizeFindings(_ file: TextFile) -> [Finding] {
    guard file.isSwift || file.isC || file.path.hasSuffix(".py"), !file.isGenerated else { return [] }
    var found: [Finding] = []
    let lines = file.lines
    let count = lines.last == "" ? lines.count - 1 : lines.count
    if count > Limit.linesPerFile {
        let message = "\(count) lines; split it by topic, \(Limit.linesPerFile) is the limit"
        found.append(Finding(path: file.path, line: 0, message: message))
    }
    for (index, line) in lines.enumerated() where line.utf8.count > Limit.columns {
        let columns = line.unicodeScalars.count
        if columns > Limit.columns {
            let message = "\(columns) columns, \(Limit.columns) is the limit"
            found.append(Finding(path: file.path, line: index + 1, message: message))
        }
    }
    return found
}

/// A source or test that does not open with a comment on what it is.
func headerFindings(_ file: TextFile) -> [Finding] {
    guard file.target != nil || file.testTarget != nil, !file.isGenerated else { return [] }
    if file.isSwift {
        let header = file.lines.prefix { $0.hasPrefix("//") }.count
        if Limit.headerLines.contains(header) { return [] }
        let message = "opens with \(header) comment lines; say in 3 to 12 what it is, what goes in, what comes out"
        return [Finding(path: file.path, line: 1, message: message)]
    }
    if file.isC, !file.text.hasPrefix("//"), !file.text.hasPrefix("/*") {
        return [Finding(path: file.path, line: 1, message: "does not open with a comment on what it is")]
    }
    return []
}

/// Functions and initialisers whose text is too long.
func functionLengthFindings(_ file: TextFile) -> [Finding] {
    guard file.isSwift, file.target != nil, !file.isGenerated else { return [] }
    var lengths = FunctionLengths()
    for (index, line) in file.codeLines.enumerated() { lengths.read(Array(line.utf8), index + 1) }
    return lengths.found.filter { $0.length > Limit.linesPerFunction }.map {
        let message = "a function of \($0.length) lines; \(Limit.linesPerFunction) is the limit"
        return Finding(path: file.path, line: $0.line, message: message)
    }
}

/// Follows braces through blanked code and notes where a function starts and ends.
private struct FunctionLengths {
    var found: [(line: Int, length: Int)] = []
    /// Per open brace the line of the function that it opens, if it does.
    private var open: [Int?] = []
    private var pending: Int?
    private var parentheses = 0

    mutating func read(_ line: [UInt8], _ number: Int) {
        var at = 0
        while at < line.count {
            if isNamePart(line[at]) {
                let start = at
                while at < line.count, isNamePart(line[at]) { at += 1 }
                let word = String(decoding: line[start..<at], as: UTF8.self)
                let isMember = start > 0 && line[start - 1] == UInt8(ascii: ".")
                if (word == "func" || word == "init"), !isMember, parentheses == 0 || pending == nil {
                    pending = number
                    parentheses = 0
                }
                continue
            }
            mark(line[at], number)
            at += 1
        }
    }

    private mutating func mark(_ byte: UInt8, _ number: Int) {
        switch byte {
        case UInt8(ascii: "("): parentheses += 1
        case UInt8(ascii: ")"): parentheses = max(0, parentheses - 1)
        case UInt8(ascii: "{"):
            let isBody = pending != nil && parentheses == 0
            open.append(isBody ? pending : nil)
            if isBody { pending = nil }
        case UInt8(ascii: "}"):
            if let start = open.popLast() ?? nil { found.append((start, number - start + 1)) }
            if parentheses == 0 { pending = nil }
        default: break
        }
    }
}
