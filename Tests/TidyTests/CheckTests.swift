// Each check seen failing: a snippet that breaks the rule is found, the same snippet put right is not. A check that
// finds nothing anywhere would pass on any repository.

import Testing

@Suite struct CheckTests {
    private func source(_ text: String, in target: String = "Roller") -> TextFile {
        TextFile(path: "Sources/\(target)/File.swift", text: text)
    }

    private func messages(_ findings: [Finding]) -> [String] { findings.map(\.message) }

    @Test func stringsAndCommentsAreNotCode() {
        let text = #"""
            let a = "print(" // print(
            /* print( /* print( */ print( */ let b = 1
            let c = #"print("\(x)"#
            let d = "\(f("print(")) print("
            """#
        #expect(codeLines(text).allSatisfy { !$0.contains("print(") })
        #expect(codeLines(text)[1].hasSuffix("let b = 1"))
        #expect(codeLines(text)[3].contains("f("))
        #expect(codeLines("let e = \"\\(print(x))\"")[0].contains("print(x)"))
        #expect(codeLines("let f = \"\"\"\n  print(\n  \"\"\"; print(1)")[2].contains("print(1)"))
        #expect(!codeLines("let f = \"\"\"\n  print(\n  \"\"\"; print(1)")[1].contains("print("))
    }

    @Test func manifestIsRead() {
        let text = """
            let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
            func module(_ name: String) -> Target { .target(name: name) }
            let package = Package(name: "p", products: [.library(name: "L", targets: ["A"])], targets: [
                .target(name: "C", cSettings: [.unsafeFlags(["-O3"])]),
                module("A"),  // comment, with "quotes"
                module("B", ["A", grdb]),
                .executableTarget(name: "run", dependencies: ["B", .product(name: "Yams", package: "Yams")]),
                .systemLibrary(name: "CZ"),
                tests("BTests", ["B"]),
            ])
            """
        let manifest = Manifest(text)
        #expect(manifest.targets.map(\.name) == ["C", "A", "B", "run", "CZ", "BTests"])
        #expect(manifest.targets.map(\.dependencies) == [[], [], ["A", "GRDB"], ["B", "Yams"], [], ["B"]])
        #expect(manifest.tests.map(\.name) == ["BTests"])
    }

    @Test func importsAreRead() {
        let text = """
            import Basics // import Comment
            @testable import Roller
            internal import struct TensorIR.Shape
            let s = "import Text"
            """
        #expect(imports(source(text)).map(\.module) == ["Basics", "Roller", "TensorIR"])
        #expect(imports(source(text)).map(\.line) == [1, 2, 3])
    }

    @Test func anImportThatPointsUpIsFound() {
        #expect(Layering.objection("TensorIR", importing: "Basics") == nil)
        #expect(Layering.objection("Welder", importing: "Roller") == nil)
        #expect(Layering.objection("Roller", importing: "Welder") == "Roller may not import Welder: imports point down")
        #expect(Layering.objection("TensorIR", importing: "Pipeline")?.hasSuffix("imports point down") == true)
        #expect(Layering.objection("FarmCore", importing: "TensorIR")?.hasSuffix("in the other column") == true)
        #expect(Layering.objection("FarmTransport", importing: "FarmCore") == nil)
        #expect(Layering.objection("Tuning", importing: "FarmCore") == nil)
        #expect(Layering.objection("Tuning", importing: "Pipeline") == nil)
        #expect(Layering.objection("Roller", importing: "GRDB") == "Roller may not import GRDB; only Catalog may")
        #expect(Layering.objection("Roller", importing: "Nowhere")?.contains("no row") == true)
    }

    @Test func anUndeclaredImportIsFound() {
        let manifest = Manifest("targets: [module(\"Basics\"), module(\"TensorIR\"), module(\"Roller\", [\"Basics\"])]")
        let good = source("import Basics\nimport Glibc")
        let bad = source("import Basics\nimport TensorIR")
        #expect(importFindings([good], manifest).isEmpty)
        #expect(importFindings([bad], manifest).map(\.line) == [2])
        #expect(messages(manifestFindings(manifest, [source("")])) == ["Roller declares Basics and never imports it"])
        #expect(manifestFindings(manifest, [good]).isEmpty)
        let upward = Manifest("targets: [module(\"Basics\", [\"TensorIR\"]), module(\"TensorIR\")]")
        #expect(messages(manifestFindings(upward, [])) == ["Basics may not import TensorIR: imports point down"])
    }

    @Test func aTargetWithoutTestsIsFound() {
        let manifest = Manifest("targets: [module(\"Roller\"), module(\"Welder\"), tests(\"RollerTests\", [])]")
        let files = [source(""), source("", in: "Stray")]
        let expected = [
            "folder Stray is no target", "Welder has no WelderTests and is not in Layering.testedElsewhere",
        ]
        #expect(messages(targetFindings(manifest, files)) == expected)
    }

    @Test(arguments: [
        "let t = Date()", "let x = Int.random(in: 0..<4)", "let o = list.shuffled()", "let u = UUID()", "print(1)",
        "Swift.print(1)", "let v = try! f()", "let w = y as! Int", "fatalError()", "getenv(name)",
        "ProcessInfo.processInfo", "public func f() {}", "await f()", "actor A {}", "clock_gettime(CLOCK_REALTIME, &t)",
    ])
    func aBannedCallIsFound(line: String) {
        #expect(bannedCallFindings(source(line)).count == 1)
    }

    @Test(arguments: [
        "let t = UpDate()", "var random = SeededRandom(seed: 1)", "list.shuffled(using: &random)", "printer.print(x)",
        "func print(_ x: Int) {}", "let v = try f()", "let w = y as? Int", "let publicKey = 1", "let factor = 2",
        "let text = \"print(1)\"", "// Date()",
    ])
    func whatOnlyLooksBannedIsNot(line: String) {
        #expect(bannedCallFindings(source(line)).isEmpty)
    }

    @Test func shellsMayPrintAndTestsMayNotDrawUnseeded() {
        #expect(bannedCallFindings(source("print(1)", in: "Commands")).isEmpty)
        #expect(bannedCallFindings(TextFile(path: "Sources/ONNXImport/onnx.pb.swift", text: "public")).isEmpty)
        let test = TextFile(path: "Tests/RollerTests/T.swift", text: "print(Int.random(in: 0...1))")
        #expect(messages(bannedCallFindings(test)).map { $0.contains("SeededRandom") } == [true])
    }

    @Test func anUncheckedPromiseNeedsItsReason() {
        let claim = "final class C: @unchecked Sendable {}"
        #expect(unprovenSharingFindings(source(claim)).count == 1)
        #expect(unprovenSharingFindings(source("// every field is behind `lock`\n" + claim)).isEmpty)
    }

    @Test func aLongOrWideFileIsFound() {
        let limit = Limit.linesPerFile
        #expect(sizeFindings(source(String(repeating: "x\n", count: limit))).isEmpty)
        #expect(sizeFindings(source(String(repeating: "x\n", count: limit + 1))).count == 1)
        #expect(sizeFindings(source(String(repeating: "é", count: Limit.columns))).isEmpty)
        #expect(sizeFindings(source("\n" + String(repeating: "x", count: Limit.columns + 1))).map(\.line) == [2])
    }

    @Test func aMissingHeaderIsFound() {
        #expect(headerFindings(source("import Basics")).count == 1)
        #expect(headerFindings(source("\n// Too late.\nimport Basics")).count == 1)
        #expect(headerFindings(source("// What it is.\n// And why.\n\nimport Basics")).isEmpty)
        #expect(headerFindings(source(String(repeating: "// too much\n", count: 20))).count == 1)
        #expect(headerFindings(TextFile(path: "Tests/RollerTests/T.swift", text: "// One line.\n")).isEmpty)
        #expect(headerFindings(TextFile(path: "Sources/CSystem/spawn.c", text: "#include <x.h>")).count == 1)
    }

    @Test func aLongFunctionIsFound() {
        func body(_ lines: Int) -> String { String(repeating: "    f()\n", count: lines) }
        let limit = Limit.linesPerFunction
        let long = "struct S {\n  func f(g: () -> Void = {}) {\n" + body(limit - 1) + "  }\n}\n"
        let requirement = "protocol P {\n  func f()\n}\n"
        let short = requirement + "struct S {\n  init() {\n" + body(limit - 2) + "  }\n" + body(limit) + "}\n"
        #expect(functionLengthFindings(source(long)).map(\.line) == [2])
        #expect(functionLengthFindings(source(short)).isEmpty)
    }

    @Test func unfinishedWorkIsFound() {
        for mark in Unwanted.marks {
            #expect(unfinishedFindings(source("// \(mark): later")).count == 1)
            #expect(unfinishedFindings(source("let x\(mark)y = 1")).isEmpty)
        }
    }

    @Test func aPathOfOneMachineIsFound() {
        for folder in Unwanted.folders {
            #expect(machinePathFindings(source("let p = \"\(folder)x\"")).count == 1)
            #expect(machinePathFindings(source("let p = \"some\(folder)x\"")).isEmpty)
        }
    }

    @Test func aLinkThatPointsNowhereIsFound() {
        let page = TextFile(path: "docs/a.md", text: "# Top\n## How it works: now\n")
        let other = TextFile(
            path: "docs/guides/b.md",
            text: """
                [a](../a.md) [b](../a.md#how-it-works-now) [web](https://example.org) `docs/a.md`
                [c](../c.md)
                [d](../a.md#nothing)
                `Sources/None/X.swift`
                ```
                [e](none.md)
                ```
                """)
        let repository = Repository(files: [page, other])
        #expect(linkFindings(other, in: repository).map(\.line) == [2, 3, 4])
    }

    @Test func aDisorderedGlossaryIsFound() {
        func glossary(_ words: [String]) -> TextFile {
            let rows = words.map { "| \($0) | meaning |\n" }.joined()
            return TextFile(path: "docs/glossary.md", text: "| word | meaning |\n|---|---|\n" + rows)
        }
        #expect(glossaryFindings(glossary(["anchor", "Cover", "lane"])).isEmpty)
        #expect(messages(glossaryFindings(glossary(["lane", "cover"]))) == ["'cover' stands after 'lane'"])
        #expect(messages(glossaryFindings(glossary(["lane", "Lane"]))) == ["'Lane' stands twice"])
        #expect(glossaryFindings(glossary([])).count == 1)
    }

    @Test func aModuleTableThatIsNotThePackageIsFound() {
        let manifest = Manifest("targets: [module(\"Roller\"), module(\"Welder\"), tests(\"RollerTests\", [])]")
        let rows = "| target | what |\n|---|---|\n| `Roller` | x |\n| `Gone`, `Welder` | y |\n"
        let text = "## 5. Modules\n" + rows + "## Next\n| `No` | z |\n"
        let expected = ["the table of modules names Gone, which is no target"]
        #expect(messages(moduleTableFindings(TextFile(path: "docs/architecture.md", text: text), manifest)) == expected)
        let empty = TextFile(path: "docs/architecture.md", text: "## Modules\n")
        #expect(moduleTableFindings(empty, manifest).count == 2)
    }
}
