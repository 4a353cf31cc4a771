// What kind of refusal a sentence is: the sentence without what differs between two models that are refused for one
// reason. Input: a sentence, and names to leave out. Output: a text to compare. The fuzzer keeps a model whose kind it
// has not seen; the reducer keeps a model whose kind is still that of the model it began with.

/// `sentence` without quoted parts, numbers, shapes and `names`, and with a list of unsupported operators cut off.
package func sentenceKind(_ sentence: String, without names: [String] = []) -> String {
    var text = sentence
    for name in names.sorted(by: { ($1.utf8.count, $0) < ($0.utf8.count, $1) }) where !name.isEmpty {
        text = replacing(name, in: text, by: "_")
    }
    text = replacing("uses operators that are not", in: text, by: "uses an operator that is not")
    let bytes = Array(text.utf8)
    var out: [UInt8] = []
    var at = 0
    while at < bytes.count {
        if bytes[at] == UInt8(ascii: "\""), let end = quotedEnd(bytes, at) {
            at = end
        } else if isDigit(bytes[at]) {
            at = numbersEnd(bytes, at)
        } else {
            if bytes[at] != 0x20 || out.last != 0x20 { out.append(bytes[at]) }
            at += 1
        }
    }
    let kind = String(decoding: out, as: UTF8.self)
    guard let list = kind.firstRange(of: "not supported:") else { return kind }
    return String(kind[..<list.upperBound])
}

private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

/// Behind the quote that closes the one at `start`; escaped ones do not.
private func quotedEnd(_ bytes: [UInt8], _ start: Int) -> Int? {
    var at = start + 1
    while at < bytes.count {
        if bytes[at] == UInt8(ascii: "\\") {
            at += 1
        } else if bytes[at] == UInt8(ascii: "\"") {
            return at + 1
        }
        at += 1
    }
    return nil
}

/// Behind the numbers that start at `start`: `12`, `1x3x224`, `[2, -1, 4` and `1.5e-07` are numbers.
private func numbersEnd(_ bytes: [UInt8], _ start: Int) -> Int {
    let joints = ["", "x", ", ", ", -", ".", "e-", "e+"].map { Array($0.utf8) }
    var at = start + 1
    while true {
        let joint = joints.first { joint in
            let end = at + joint.count
            return end < bytes.count && bytes[at..<end].elementsEqual(joint) && isDigit(bytes[end])
        }
        guard let joint else { return at }
        at += joint.count + 1
    }
}

/// `text` with every occurrence of `name` that is no part of a longer word replaced.
private func replacing(_ name: String, in text: String, by other: String) -> String {
    let (name, text) = (Array(name.utf8), Array(text.utf8))
    func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f: true
        default: byte >= 0x80
        }
    }
    var out: [UInt8] = []
    var at = 0
    while at < text.count {
        let end = at + name.count
        let stands =
            end <= text.count && text[at..<end].elementsEqual(name)
            && !(at > 0 && isWord(text[at - 1]) && isWord(name[0]))
            && !(end < text.count && isWord(text[end]) && isWord(name[name.count - 1]))
        if stands {
            out += Array(other.utf8)
            at = end
        } else {
            out.append(text[at])
            at += 1
        }
    }
    return String(decoding: out, as: UTF8.self)
}
