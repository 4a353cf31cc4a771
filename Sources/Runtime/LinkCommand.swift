// How a compiler's driver links a shared object, asked from the driver once. With this command an object costs one
// process of the compiler, which then compiles inside of it, and one of the linker; a driver that does both starts
// itself a second time, and as often reads a configuration.

/// The linker and its arguments as a driver would call it.
struct LinkCommand: Sendable, Equatable {
    var linker: String
    /// Before the objects.
    var head: [String]
    /// After the objects.
    var tail: [String]

    /// What the driver is asked, after `-###`: an object file that every system has holds the objects' place.
    static let question = ["-shared", "-nostdlib", "-o", "object.so", objectsPlace, "-lgcc"]
    private static let objectsPlace = "/dev/null"

    /// - Parameter answer: what a driver prints for `-###` and `question`: a line per command, words in quotes (clang).
    ///   `nil` when it says no command that links this way; the driver itself links then.
    init?(answer: String) {
        guard let line = answer.split(separator: "\n").last(where: { $0.hasPrefix(" \"/") }) else { return nil }
        let words = LinkCommand.words(line)
        guard let place = words.firstIndex(of: LinkCommand.objectsPlace), place > 0, words.contains("object.so"),
            words.last == "-lgcc"
        else { return nil }
        linker = words[0]
        head = Array(words[1..<place])
        tail = Array(words[(place + 1)...])
    }

    func arguments(objects: [String]) -> [String] { head + objects + tail }

    /// Words in double quotes with spaces between; a backslash stands before a quote, a dollar and itself.
    private static func words(_ line: Substring) -> [String] {
        var out: [String] = []
        var word: String?
        var escaped = false
        for character in line {
            if escaped {
                word?.append(character)
                escaped = false
            } else if character == "\\" {
                escaped = true
            } else if character == "\"" {
                if let done = word { out.append(done) }
                word = word == nil ? "" : nil
            } else {
                word?.append(character)
            }
        }
        return out
    }
}
