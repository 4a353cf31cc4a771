// Names that a model may bring along to break out of a comment, a string, a table or a shell: they arrive as the
// texts they are, and every file is as valid as ever.

import Basics
import Emit
import Testing

@testable import Export

private let hostileNames = [
    "a\"b", "back\\slash\\", "new\nline", "return\r\n#include <evil>", "*/ int x; /*", "// ends", "??/", "??)??(",
    "</script><script>alert(1)</script>", "\"\"\"", "'''", "\u{0}zero", "\u{1b}[2J", "é日本😀", "\u{202e}rtl", "%s%n%d",
    "$(reboot)`reboot`", "{0}", "\\u0022", "\\N{DOLLAR SIGN}", "@P@ @TABLES@ @STATUSES@", "\u{2028}", "\u{7f}\u{9b}",
    "| cell | `code` [link](x)", "", " ", String(repeating: "long", count: 200),
]

@Suite struct HostileNameTests {
    @Test func literalsArePlainAsciiOnOneLine() {
        for name in hostileNames {
            for text in [cStringLiteral(name), jsonStringLiteral(name), pythonStringLiteral(name), markdownText(name)] {
                #expect(text.utf8.allSatisfy { (0x20...0x7e).contains($0) }, "\(name.debugDescription)")
            }
            let c = cStringLiteral(name)
            #expect(!c.contains("?") && !c.contains("*"))
            #expect(!jsonStringLiteral(name).contains("<") && !markdownText(name).contains("<"))
        }
        #expect(jsonStringLiteral("a\"\\\n</é😀") == #""a\"\\\u000a\u003c/\u00e9\ud83d\ude00""#)
        #expect(pythonStringLiteral("a\"\\\n\u{2028}😀") == #""a\"\\\x0a\u2028\U0001f600""#)
        #expect(markdownText("a|b<\u{202e}é") == "a&#124;b&#60;U+202e&#233;")
        #expect(markdownText("aaaa", limit: 3) == "aaa...")
    }

    @Test func everyFileStaysValid() throws {
        let all = hostileNames.joined()
        let built = try BuiltBundle(ExportSample.request(output: all, model: all, unread: hostileNames))
        let bench = built.bench
        #expect(try bench.tool(["b/bin/small_selftest"]).output.hasSuffix("PASS\n"))
        try bench.expectSuccess(
            [try Workbench.compiler(), "-std=gnu11", "-trigraphs", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
                + ["-Ib/include", "b/src/small_program.c", "b/src/small_selftest.c", "b/examples/main.c"])
        if let python = try Workbench.python() {
            try bench.write(Array(check.utf8), to: "check.py")
            try bench.expectSuccess([python.path, "check.py"])
        }
        for file in built.bundle.files where !file.path.hasSuffix(".bin") {
            #expect(file.bytes.allSatisfy { $0 < 0x7f && ($0 >= 0x20 || $0 == 0x0a || $0 == 0x09) }, "\(file.path)")
        }
        let readme = try #require(built.bundle.files.first { $0.path == "README.md" })
        #expect(!String(decoding: readme.bytes, as: UTF8.self).contains("<script"))
    }

    /// Reads names back from the binding without NumPy, and from the manifest.
    private let check = """
        import ast, json
        names = [\(hostileNames.map(pythonStringLiteral).joined(separator: ", "))]
        text = open("b/python/small.py").read()
        tables = {node.targets[0].id: node.value for node in ast.parse(text).body
                  if isinstance(node, ast.Assign) and node.targets[0].id in ("INPUTS", "OUTPUTS")}
        assert [row[0] for row in ast.literal_eval(tables["INPUTS"])] == ["x", "twice"] + names
        assert [row[0] for row in ast.literal_eval(tables["OUTPUTS"])] == ["".join(names)]
        manifest = json.load(open("b/manifest.json"))
        assert [tensor["name"] for tensor in manifest["inputs"]] == ["x", "twice"] + names
        assert manifest["model"]["name"] == "".join(names)

        """

    @Test func theLibraryGivesNamesBackByteForByte() throws {
        let name = "q\"\\\n??/*/é😀\u{1}7"
        let built = try BuiltBundle(ExportSample.request(inputs: [name, "twice"]))
        let main = "#include \"small.h\"\n#include <stdio.h>\nint main(void) { fputs(small_input(0)->name, stdout); }\n"
        try built.bench.write(Array(main.utf8), to: "m.c")
        try built.bench.expectSuccess(
            [try Workbench.compiler(), "-Ib/include", "-o", "m", "m.c", "b/lib/libsmall.a"])
        #expect(try built.bench.tool(["./m"]).output == name)
    }
}
