// The texts of layouts and interfaces and their parsers, as they stand in a schedule's first line.
//
//     t0 row t4 [c:64/16,y:56,x:56,c%16] halo y:1 x:1

import Basics

extension Layout {
    package var text: String {
        switch self {
        case .row: return "row"
        case .maps(let m):
            let images = m.images > 1 ? "n:\(m.images)," : ""
            let map = "y:\(m.height),x:\(m.width)"
            let order: String
            if m.block == m.channels {
                order = "\(map),c:\(m.channels)"
            } else if m.block == 1 {
                order = "c:\(m.channels),\(map)"
            } else {
                order = "c:\(m.channels)/\(m.block),\(map),c%\(m.block)"
            }
            return "[\(images)\(order)]" + (m.hasHalo ? " halo y:\(m.haloY) x:\(m.haloX)" : "")
        }
    }

    package init(parsing lexer: inout Lexer) throws(SyntaxError) {
        if try lexer.takeWord("row") {
            self = .row
            return
        }
        try lexer.expect("[")
        var images = 1
        if try lexer.takeWord("n") {
            images = try lexer.extent("the number of images")
            try lexer.expect(",")
        }
        let (channels, block, size) = try Layout.order(&lexer)
        var halo = (y: 0, x: 0)
        if try lexer.takeWord("halo") {
            try lexer.expectWord("y")
            halo.y = try lexer.extent("the halo's lines", atLeast: 0)
            try lexer.expectWord("x")
            halo.x = try lexer.extent("the halo's positions", atLeast: 0)
        }
        let start = lexer
        let (product, overflow) = [images, channels, size.height, size.width].reduce((1, false)) { total, extent in
            let (value, over) = total.0.multipliedReportingOverflow(by: extent)
            return (value, total.1 || over)
        }
        guard !overflow, product < 1 << 40, halo.y < 1 << 12, halo.x < 1 << 12 else {
            throw start.fail("a layout too large for any tensor")
        }
        self = .maps(
            MapLayout(
                images: images, channels: channels, height: size.height, width: size.width, block: block,
                haloY: halo.y, haloX: halo.x))
    }
}

extension Layout {
    /// What stands between the brackets, and the closing one: `c:64/16,y:56,x:56,c%16]`, `y:56,x:56,c:64]` or
    /// `c:3,y:224,x:224]`.
    private static func order(
        _ lexer: inout Lexer
    ) throws(SyntaxError) -> (channels: Int, block: Int, size: (height: Int, width: Int)) {
        let start = lexer
        let size: (height: Int, width: Int)
        let channels: Int
        let block: Int
        if try lexer.takeWord("c") {
            channels = try lexer.extent("the channels")
            let isBlocked = try lexer.take("/")
            block = isBlocked ? try lexer.positive("the channels of a block") : 1
            try lexer.expect(",")
            size = try map(&lexer)
            if isBlocked {
                try lexer.expect(",")
                try lexer.expectWord("c")
                try lexer.expect("%")
                let again = lexer
                guard try lexer.positive("the channels of a block") == block else {
                    throw again.fail("a layout has one size of block, here \(block)")
                }
            }
        } else {
            size = try map(&lexer)
            try lexer.expect(",")
            try lexer.expectWord("c")
            channels = try lexer.extent("the channels")
            block = channels
        }
        try lexer.expect("]")
        guard channels % block == 0 else { throw start.fail("blocks of \(block) do not divide \(channels) channels") }
        return (channels, block, size)
    }

    private static func map(_ lexer: inout Lexer) throws(SyntaxError) -> (height: Int, width: Int) {
        try lexer.expectWord("y")
        let height = try lexer.extent("the height")
        try lexer.expect(",")
        try lexer.expectWord("x")
        return (height, try lexer.extent("the width"))
    }
}

extension Interface {
    /// One line, as in a schedule.
    package var text: String { entries.map { "t\($0.slot) \($0.layout.text)" }.joined(separator: " ") }

    /// Parses what `text` prints.
    package init(parsing text: String) throws(SyntaxError) {
        var lexer = try Lexer(text)
        self = try Interface(parsing: &lexer)
        guard lexer.token == .end else { throw lexer.fail("expected the end of the text, found \(lexer.found)") }
    }

    init(parsing lexer: inout Lexer) throws(SyntaxError) {
        var entries: [Entry] = []
        while case .word(let word) = lexer.token, word != "algorithm" {
            let slot = try lexer.slot()
            entries.append(Entry(slot: slot, layout: try Layout(parsing: &lexer)))
        }
        self.init(entries: entries)
    }
}

extension Lexer {
    /// `:N`
    fileprivate mutating func extent(_ what: String, atLeast least: Int = 1) throws(SyntaxError) -> Int {
        try expect(":")
        let start = self
        let value = try integer(what)
        guard value >= least else { throw start.fail("\(what) must be at least \(least)") }
        return value
    }
}
