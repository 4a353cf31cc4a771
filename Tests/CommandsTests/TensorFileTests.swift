// Arrays and archives: what is written reads back, what NumPy writes is read, and whatever is wrong with a file is a
// typed error with the sentence that a person sees.

import Basics
import Runtime
import TensorIR
import Testing

@testable import Commands

private func npy(_ header: String, version: UInt8 = 1, _ data: [UInt8] = []) -> [UInt8] {
    let text = Array(header.utf8)
    let length = version == 1 ? [UInt8(text.count), 0] : [UInt8(text.count), 0, 0, 0]
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + text + data
}

private func flaw(_ bytes: [UInt8]) -> ArrayFlaw? {
    do throws(ArrayFlaw) {
        _ = try ArrayFile.read(bytes)
        return nil
    } catch { return error }
}

private func archiveFlaw(_ bytes: [UInt8]) -> ArchiveFlaw? {
    do throws(ArchiveFlaw) {
        _ = try ArchiveFile.read(bytes)
        return nil
    } catch { return error }
}

private func sentence(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "no error"
    } catch { return (error as? any Explained)?.sentence ?? "another error: \(error)" }
}

private let samples: [NamedTensor] = DType.allCases.enumerated().map { n, dtype in
    let shape = [[], [5], [2, 3], [1, 4, 0], [2, 1, 2, 3]][n % 5]
    let type = TensorType(dtype, shape)
    var random = SeededRandom(seed: UInt64(n))
    return NamedTensor(
        name: "tensor \(n)/\(dtype.rawValue)", type: type,
        bytes: (0..<type.bytes).map { _ in UInt8(random.below(dtype == .bool ? 2 : 256)) })
}

@Test func arraysOfEveryTypeReadBack() throws {
    for tensor in samples {
        let file = ArrayFile.write(tensor.type, tensor.bytes)
        #expect((file.count - tensor.bytes.count) % 64 == 0)
        let (type, bytes) = try ArrayFile.read(file)
        #expect(type == TensorType(tensor.type.dtype.carrier, tensor.type.shape))
        #expect(bytes == tensor.bytes)
    }
}

@Test func headersAreReadInEveryFormThatNumPyWrites() throws {
    let plain = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }  \n"
    let data: [UInt8] = [0, 0, 128, 63, 0, 0, 0, 64]
    for version in UInt8(1)...3 {
        #expect(try ArrayFile.read(npy(plain, version: version, data)).bytes == data)
    }
    let reordered = "{\"shape\":(1,2),\"fortran_order\":False,\"descr\":\"<f4\"}\n"
    #expect(try ArrayFile.read(npy(reordered, data)).type == TensorType(.f32, [1, 2]))
    let scalar = "{'descr': '|b1', 'fortran_order': False, 'shape': (), }\n"
    #expect(try ArrayFile.read(npy(scalar, [7])) == (TensorType(.bool, []), [1]))
    let column = "{'descr': '<i8', 'fortran_order': True, 'shape': (1,), }\n"
    #expect(try ArrayFile.read(npy(column, [9, 0, 0, 0, 0, 0, 0, 0])).type == TensorType(.i64, [1]))
}

@Test func damagedArraysSayWhatIsWrong() {
    func header(_ descriptor: String, _ order: String = "False", _ shape: String = "(2,)") -> [UInt8] {
        npy("{'descr': \(descriptor), 'fortran_order': \(order), 'shape': \(shape), }\n", [0, 0, 0])
    }
    #expect(flaw([]) == .notNPY)
    #expect(flaw(Array("not an array at all".utf8)) == .notNPY)
    #expect(flaw(npy("{}", version: 9)) == .version(major: 9))
    #expect(flaw(Array(header("'<f4'").prefix(20))) == .header("it is cut off"))
    #expect(flaw(npy("{}\n")) == .header("it lacks descr, fortran_order or shape"))
    #expect(flaw(npy("{'other': 1}\n")) == .header("it has the key \"other\""))
    #expect(flaw(header("'<c8'")) == .dtype("<c8"))
    #expect(flaw(header("'<U4'")) == .dtype("<U4"))
    #expect(flaw(header("[('a', '<f4')]")) == .dtype("[('a', '<f4')], 'fortran"))
    #expect(flaw(header("'>f4'")) == .bigEndian(">f4"))
    #expect(flaw(header("'<f4'", "True", "(1, 2)")) == .fortranOrder)
    #expect(flaw(header("'<f4'", "Maybe")) == .header("'False' is missing"))
    #expect(flaw(header("'<f4'", "False", "(-1,)")) == .header("an extent is no number"))
    #expect(flaw(header("'<f4'")) == .length(bytes: 3, needed: 8))
    let huge = "(1099511627776, 1099511627776)"
    #expect(flaw(header("'<f4'", "False", huge)) == .shape([1 << 40, 1 << 40]))
    #expect(
        TensorFileError.array(place: "in/x.npy", .fortranOrder).sentence
            == "in/x.npy is stored column by column; save numpy.ascontiguousarray of it")
}

@Test func everyPrefixOfAnArrayIsRefused() {
    let file = ArrayFile.write(TensorType(.f32, [3]), [UInt8](repeating: 1, count: 12))
    for count in 0..<file.count { #expect(flaw(Array(file.prefix(count))) != nil) }
}

@Test func archivesReadBackAndNeverDependOnTheClock() throws {
    let bytes = try TensorFiles.archive(samples, "a.npz")
    #expect(try TensorFiles.archive(samples, "a.npz") == bytes)
    let read = try TensorFiles.tensors(inArchive: bytes, "a.npz")
    #expect(read.map(\.name) == samples.map(\.name))
    #expect(read.map(\.bytes) == samples.map(\.bytes))
    #expect(try TensorFiles.tensors(inArchive: try TensorFiles.archive([], "a.npz"), "a.npz").isEmpty)
}

@Test func checksumsAreThoseOfZip() {
    #expect(CRC32.of(Array("123456789".utf8)) == 0xcbf4_3926)
    #expect(CRC32.of([]) == 0)
}

@Test func damagedArchivesSayWhatIsWrong() throws {
    let entries = [ArchiveFile.Entry(name: "x.npy", bytes: [1, 2, 3, 4])]
    let bytes = try #require(ArchiveFile.write(entries))
    #expect(try ArchiveFile.read(bytes) == entries)
    #expect(archiveFlaw([]) == .notZip)
    #expect(archiveFlaw(Array("PKnothing".utf8)) == .notZip)
    #expect(archiveFlaw(Array(bytes.dropLast())) == .truncated)
    func changed(_ at: Int, _ value: UInt8) -> [UInt8] {
        var copy = bytes
        copy[at] = value
        return copy
    }
    // local record 30 + 5, data 4, then the directory
    let central = 39
    #expect(archiveFlaw(changed(35, 9)) == .damaged(entry: "x.npy"))
    #expect(archiveFlaw(changed(central + 10, 8)) == .compressed(entry: "x.npy"))
    #expect(archiveFlaw(changed(central + 8, 1)) == .encrypted(entry: "x.npy"))
    #expect(archiveFlaw(changed(central + 24, 200)) == .damaged(entry: "x.npy"))
    #expect(archiveFlaw(changed(central + 42, 200)) == .damaged(entry: "x.npy"))
    #expect(archiveFlaw(changed(central, 0)) == .truncated)
    #expect(
        TensorFileError.archive(path: "in.npz", .compressed(entry: "x.npy")).sentence
            == "in.npz holds \"x.npy\" compressed; write it with numpy.savez, not with savez_compressed")
    #expect(
        sentence { _ = try TensorFiles.tensors(inArchive: ArchiveFile.write([.init(name: "a", bytes: [])]) ?? [], "p") }
            == "p holds \"a\", which is no .npy array; write the file with numpy.savez")
}

@Test func everyDamagedByteOfAnArchiveIsAnErrorOrHarmless() throws {
    let bytes = try TensorFiles.archive([samples[1], samples[2]], "a.npz")
    for at in bytes.indices {
        var copy = bytes
        copy[at] ^= 0xff
        // a changed name or date reads; nothing traps
        _ = try? TensorFiles.tensors(inArchive: copy, "a.npz")
        #expect((try? TensorFiles.tensors(inArchive: Array(bytes.prefix(at)), "a.npz")) == nil)
    }
}

@Test func fileNamesSpellAnyTensorName() {
    let names = ["x", "a/b", "..", ".hidden", "100%", "%41", "ünïcode", "a b\n", "v1.5"]
    for name in names {
        let file = TensorFiles.fileName(name)
        #expect(TensorFiles.tensorName(file) == name)
        #expect(!file.contains("/") && !file.hasPrefix("."))
    }
    #expect(TensorFiles.fileName("a/b") == "a%2fb")
    #expect(TensorFiles.fileName("v1.5") == "v1.5")
    #expect(TensorFiles.tensorName("50%x") == "50%x")
}

@Test func foldersAndArchivesHoldTheSameTensors() throws {
    let folder = try Folder.makeTemporary(in: "/tmp")
    defer { Folder.removeTree(folder) }
    let wanted = samples.filter { $0.type.dtype.carrier == $0.type.dtype }
    try TensorFiles.write(wanted, to: folder + "/a/b")
    try TensorFiles.write(wanted, to: folder + "/c.npz")
    func byName(_ tensors: [NamedTensor]) -> [NamedTensor] { tensors.sorted { $0.name < $1.name } }
    #expect(byName(try TensorFiles.read(folder + "/a/b")) == byName(wanted))
    #expect(byName(try TensorFiles.read(folder + "/c.npz")) == byName(wanted))
    try Folder.make(folder + "/empty")
    #expect(
        sentence { _ = try TensorFiles.read(folder + "/empty") }
            == "\(folder)/empty holds no tensor; it needs a NAME.npy for each input, or .pb files of ONNX tensors")
    #expect(
        sentence { _ = try TensorFiles.read(folder + "/absent.npz") }
            == "cannot read \(folder)/absent.npz: No such file or directory")
    // the same name as an array and as an ONNX tensor: dims 1, type float, name x, one float
    let tensor: [UInt8] = [0x08, 1, 0x10, 1, 0x42, 1, 0x78, 0x4a, 4, 0, 0, 128, 63]
    try Folder.write(tensor, to: folder + "/empty/input_0.pb")
    let read = try TensorFiles.read(folder + "/empty")
    #expect(read == [NamedTensor(name: "x", type: TensorType(.f32, [1]), bytes: [0, 0, 128, 63])])
    try Folder.write(ArrayFile.write(TensorType(.f32, [1]), [0, 0, 0, 0]), to: folder + "/empty/x.npy")
    #expect(
        sentence { _ = try TensorFiles.read(folder + "/empty") } == "\(folder)/empty holds a tensor x more than once")
}
