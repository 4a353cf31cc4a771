// Zip files as NumPy's savez writes them: entries that are stored, not compressed, and a directory at the end. Read
// are plain files under 2 GiB; sizes and checksums are checked. Written files have fixed dates, so that equal contents
// give equal bytes. Input and output: bytes.

enum ArchiveFile {
    struct Entry: Equatable {
        var name: String
        var bytes: [UInt8]
    }

    private static let localMark: UInt32 = 0x0403_4b50
    private static let centralMark: UInt32 = 0x0201_4b50
    private static let endMark: UInt32 = 0x0605_4b50
    private static let localBytes = 30
    private static let centralBytes = 46
    private static let endBytes = 22
    private static let commentBytesMax = 0xffff
    /// 1980-01-01, the first day that the format knows.
    private static let date: UInt16 = 1 << 5 | 1
    private static let isUTF8: UInt16 = 1 << 11

    /// All files of an archive, in the order of its directory.
    static func read(_ bytes: [UInt8]) throws(ArchiveFlaw) -> [Entry] {
        let start = bytes.count >= 4 ? u32(bytes, 0) : 0
        guard start == localMark || start == endMark else { throw .notZip }
        guard let end = endRecord(bytes) else { throw .truncated }
        let count = Int(u16(bytes, end + 10))
        var at = Int(u32(bytes, end + 16))
        guard count != 0xffff, at != 0xffff_ffff else { throw .extended }
        var out: [Entry] = []
        for _ in 0..<count {
            guard at + centralBytes <= end, u32(bytes, at) == centralMark else { throw .truncated }
            let lengths = (28...32).filter { $0 % 2 == 0 }.map { Int(u16(bytes, at + $0)) }
            let next = at + centralBytes + lengths.reduce(0, +)
            guard next <= end else { throw .truncated }
            let nameStart = at + centralBytes
            let name = String(decoding: bytes[nameStart..<nameStart + lengths[0]], as: UTF8.self)
            if !name.hasSuffix("/") { out.append(Entry(name: name, bytes: try content(bytes, at, name, before: end))) }
            at = next
        }
        return out
    }

    /// An archive of stored entries; `nil` when it would need the extensions for large files.
    static func write(_ entries: [Entry]) -> [UInt8]? {
        guard entries.count < 0xffff, entries.allSatisfy({ $0.name.utf8.count <= 0xffff }) else { return nil }
        let total = entries.reduce(endBytes) {
            $0 + localBytes + centralBytes + 2 * $1.name.utf8.count + $1.bytes.count
        }
        guard total < 0xffff_ffff else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(total)
        var central: [UInt8] = []
        for entry in entries {
            let name = Array(entry.name.utf8)
            let offset = UInt32(out.count)
            // version to extract, flags, method 0, time, date, checksum, sizes, length of name, no extra field
            var common: [UInt8] = []
            for value in [20, isUTF8, 0, 0, date] { put(value, &common) }
            for value in [CRC32.of(entry.bytes), UInt32(entry.bytes.count), UInt32(entry.bytes.count)] {
                put(value, &common)
            }
            put(UInt16(name.count), &common)
            put(UInt16(0), &common)
            put(localMark, &out)
            out += common
            out += name
            out += entry.bytes
            put(centralMark, &central)
            // made on Unix, so that the upper attributes are a mode
            put(UInt16(3 << 8 | 20), &central)
            central += common
            for value: UInt16 in [0, 0, 0] { put(value, &central) }
            put(UInt32(0o100644 << 16), &central)
            put(offset, &central)
            central += name
        }
        let start = UInt32(out.count)
        out += central
        put(endMark, &out)
        for value in [0, 0, UInt16(entries.count), UInt16(entries.count)] { put(value, &out) }
        put(UInt32(central.count), &out)
        put(start, &out)
        put(UInt16(0), &out)
        return out
    }

    /// Where the end record stands: the last place at which it, with its comment, ends the file.
    private static func endRecord(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= endBytes else { return nil }
        let last = bytes.count - endBytes
        for at in stride(from: last, through: max(0, last - commentBytesMax), by: -1)
        where u32(bytes, at) == endMark && at + endBytes + Int(u16(bytes, at + 20)) == bytes.count {
            return at
        }
        return nil
    }

    /// The bytes of the entry whose directory record stands at `at`.
    private static func content(
        _ bytes: [UInt8], _ at: Int, _ name: String, before end: Int
    ) throws(ArchiveFlaw) -> [UInt8] {
        let (flags, method) = (u16(bytes, at + 8), u16(bytes, at + 10))
        let (stored, size, local) = (u32(bytes, at + 20), u32(bytes, at + 24), u32(bytes, at + 42))
        if flags & 1 != 0 { throw .encrypted(entry: name) }
        guard method == 0 else { throw .compressed(entry: name) }
        guard stored != .max, size != .max, local != .max else { throw .extended }
        let header = Int(local)
        guard stored == size, header + localBytes <= end, u32(bytes, header) == localMark else {
            throw .damaged(entry: name)
        }
        // the local record has an extra field of its own
        let start = header + localBytes + Int(u16(bytes, header + 26)) + Int(u16(bytes, header + 28))
        guard start + Int(size) <= end else { throw .damaged(entry: name) }
        let content = Array(bytes[start..<start + Int(size)])
        guard CRC32.of(content) == u32(bytes, at + 16) else { throw .damaged(entry: name) }
        return content
    }

    private static func u16(_ bytes: [UInt8], _ at: Int) -> UInt16 { UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8 }
    private static func u32(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        UInt32(u16(bytes, at)) | UInt32(u16(bytes, at + 2)) << 16
    }
    private static func put(_ value: some FixedWidthInteger, _ out: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { out.append(contentsOf: $0) }
    }
}

/// The checksum of zip files (polynomial 0xedb88320).
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1 }
    }

    static func of(_ bytes: [UInt8]) -> UInt32 {
        let table = table
        return ~bytes.reduce(~UInt32(0)) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
    }
}
