// Looks at a compiled object before anyone opens it. Refuses whatever would run code inside dlopen or pull in other
// code: constructors, destructors, init functions, indirect functions, foreign libraries, search paths, executable
// stacks. Also lists what the object expects from outside. Reads the dynamic segment, which is what the loader reads;
// section headers serve only for the symbol count.
// Input: the bytes of an ELF64 little-endian shared object. Output: what it needs, or why it is refused.

/// What an accepted object needs from outside.
package struct ElfObject: Sendable, Equatable {
    /// Sorted names, without versions.
    package var undefinedSymbols: [String]
    package var definedFunctions: [String]
    package var neededLibraries: [String]
}

package enum ElfRefusal: Sendable, Equatable {
    case malformed(String)
    /// `tag` is the dynamic entry: init, fini, init_array, fini_array, preinit_array.
    case constructors(tag: String)
    case indirectFunction(name: String)
    case library(name: String)
    case searchPath(String)
    case executableStack
}

package enum ElfCheck: Sendable, Equatable {
    case accepted(ElfObject)
    case refused(ElfRefusal)

    /// Checks the bytes of a shared object.
    package init(_ bytes: [UInt8]) {
        do {
            self = .accepted(try ElfReader(bytes).check())
        } catch {
            self = .refused(error.refusal)
        }
    }

    /// Libraries that are in every process anyway.
    static let librariesAllowed: Set<String> = [
        "libc.so.6", "libm.so.6", "libpthread.so.0", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
    ]
}

extension ElfRefusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed(let what): return "not a loadable object: \(what)"
        case .constructors(let tag): return "runs code when it is opened or closed (\(tag))"
        case .indirectFunction(let name): return "has an indirect function (\(name))"
        case .library(let name): return "needs the library \(name)"
        case .searchPath(let path): return "has its own library search path (\(path))"
        case .executableStack: return "asks for an executable stack"
        }
    }
}

private struct Refused: Error {
    var refusal: ElfRefusal
    init(_ refusal: ElfRefusal) { self.refusal = refusal }
    static func malformed(_ what: String) -> Refused { Refused(.malformed(what)) }
}

private struct ElfReader {
    private let bytes: [UInt8]
    private var segments: [(address: Int, offset: Int, bytes: Int)] = []
    private var dynamic: [(tag: Int, value: Int)] = []

    private static let tags: [Int: String] = [
        12: "init", 13: "fini", 25: "init_array", 26: "fini_array", 32: "preinit_array",
    ]

    init(_ bytes: [UInt8]) throws(Refused) {
        self.bytes = bytes
        guard bytes.count >= 64, bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else {
            throw .malformed("no ELF64 header")
        }
        guard try number(16, 2) == 3 else { throw .malformed("not a shared object") }
        try readSegments()
        guard !dynamic.isEmpty else { throw .malformed("no dynamic segment") }
    }

    func check() throws(Refused) -> ElfObject {
        for entry in dynamic {
            // destructors run in the sandbox at close; init arrays of length 0 are refused all the same
            if let name = ElfReader.tags[entry.tag] { throw Refused(.constructors(tag: name)) }
        }
        let strings = try offset(of: try required(5, "string table"))
        var needed: [String] = []
        for entry in dynamic {
            switch entry.tag {
            case 1:
                let name = try text(strings + entry.value)
                guard ElfCheck.librariesAllowed.contains(name) else { throw Refused(.library(name: name)) }
                needed.append(name)
            case 15, 29, 0x7fff_fffd, 0x7fff_ffff, 0x6fff_fefc, 0x6fff_fefb:
                // rpath, runpath, auxiliary, filter, audit, depaudit
                throw Refused(.searchPath(try text(strings + entry.value)))
            default: break
            }
        }
        try refuseIndirectRelocations(table: 7, size: 8)
        try refuseIndirectRelocations(table: 23, size: 2)
        var object = ElfObject(undefinedSymbols: [], definedFunctions: [], neededLibraries: needed.sorted())
        try readSymbols(strings: strings, into: &object)
        return object
    }

    private mutating func readSegments() throws(Refused) {
        let table = try number(32, 8)
        let size = try number(54, 2)
        let count = try number(56, 2)
        guard size == 56 else { throw .malformed("segment headers") }
        var dynamicAt: (offset: Int, bytes: Int)?
        for index in 0..<count {
            let at = table + index * size
            let kind = try number(at, 4)
            let flags = try number(at + 4, 4)
            let segment = (
                address: try number(at + 16, 8), offset: try number(at + 8, 8), bytes: try number(at + 32, 8)
            )
            switch kind {
            case 1: segments.append(segment)
            case 2: dynamicAt = (segment.offset, segment.bytes)
            case 0x6474_e551 where flags & 1 != 0: throw Refused(.executableStack)
            default: break
            }
        }
        guard let dynamicAt else { return }
        for at in stride(from: dynamicAt.offset, to: dynamicAt.offset + dynamicAt.bytes - 15, by: 16) {
            let tag = try number(at, 8)
            if tag == 0 { return }
            dynamic.append((tag, try number(at + 8, 8)))
        }
    }

    private func readSymbols(strings: Int, into object: inout ElfObject) throws(Refused) {
        let table = try offset(of: try required(6, "symbol table"))
        for index in 1..<max(1, try symbolCount(table)) {
            let at = table + index * 24
            let name = try text(strings + (try number(at, 4)))
            let kind = try number(at + 4, 1) & 0xf
            let section = try number(at + 6, 2)
            if kind == 10 { throw Refused(.indirectFunction(name: name)) }
            if section == 0 {
                object.undefinedSymbols.append(name)
            } else if kind == 2 {
                object.definedFunctions.append(name)
            }
        }
        object.undefinedSymbols.sort()
        object.definedFunctions.sort()
    }

    /// The dynamic symbol section's count; its table must be the one that the loader uses.
    private func symbolCount(_ table: Int) throws(Refused) -> Int {
        let headers = try number(40, 8)
        let size = try number(58, 2)
        guard headers != 0, size == 64 else { throw .malformed("no section headers") }
        for index in 0..<(try number(60, 2)) {
            let at = headers + index * size
            if try number(at + 4, 4) == 11, try number(at + 24, 8) == table { return try number(at + 32, 8) / 24 }
        }
        throw .malformed("no dynamic symbols")
    }

    /// Relocations that call a resolver while the object is being opened.
    private func refuseIndirectRelocations(table: Int, size: Int) throws(Refused) {
        guard let address = value(table), let length = value(size) else { return }
        let start = try offset(of: address)
        for at in stride(from: start, to: start + length - 23, by: 24) {
            let kind = try number(at + 8, 4)
            if kind == 37 || kind == 1032 { throw Refused(.indirectFunction(name: "relocation")) }
        }
    }

    private func value(_ tag: Int) -> Int? { dynamic.first { $0.tag == tag }?.value }

    private func required(_ tag: Int, _ what: String) throws(Refused) -> Int {
        guard let found = value(tag) else { throw .malformed("no \(what)") }
        return found
    }

    private func offset(of address: Int) throws(Refused) -> Int {
        for segment in segments where address >= segment.address && address - segment.address < segment.bytes {
            return segment.offset + (address - segment.address)
        }
        throw .malformed("an address outside the file")
    }

    private func number(_ at: Int, _ size: Int) throws(Refused) -> Int {
        guard at >= 0, at <= bytes.count - size else { throw .malformed("truncated") }
        var value: UInt64 = 0
        for index in 0..<size { value |= UInt64(bytes[at + index]) << (8 * UInt64(index)) }
        guard let small = Int(exactly: value), small < 1 << 48 else {
            // tags and addresses are small; a huge number is damage, except flags we never read
            throw .malformed("a number out of range")
        }
        return small
    }

    private func text(_ at: Int) throws(Refused) -> String {
        guard at >= 0, at < bytes.count, let end = bytes[at...].firstIndex(of: 0) else { throw .malformed("a string") }
        return String(decoding: bytes[at..<end], as: UTF8.self)
    }
}
