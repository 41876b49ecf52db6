import FathomCheckpoints
import FathomTensors
import FathomTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("A writer")
struct WriterTests {
    @Test("of safetensors gives the bytes of the reference implementation")
    func safetensorsBytes() throws {
        let folder = try TemporaryFolder()
        for number in 1...3 {
            let name = "01-llama-gqa-sharded/model-0000\(number)-of-00003.safetensors"
            let file = try Fixtures.tensors(name)
            let tensors = try file.names.reversed().map { ($0, try file.tensor($0)) }
            let path = folder("a.safetensors")
            try SafetensorsWriter.write(tensors, metadata: file.metadata, to: path)
            let same = try MappedFile(path: path).withBytes { Array($0) } == Fixtures.bytes(name)
            #expect(same, "\(name) was written differently")
        }
        #expect(folder.contents == ["a.safetensors"])
    }

    @Test("of safetensors orders tensors by alignment and name, and pads the header")
    func safetensorsOrder() throws {
        let folder = try TemporaryFolder()
        let path = folder("a.safetensors")
        let tensors: [(String, Tensor)] = [
            ("b", Tensor.zeros([3], dtype: .u8)), ("a", Tensor.zeros([1], dtype: .u8)),
            ("c", Tensor.zeros([2], dtype: .f16)), ("é\n", Tensor.zeros([], dtype: .i64)),
            ("d", Tensor.zeros([2, 0], dtype: .f32)),
        ]
        try SafetensorsWriter.write(tensors, metadata: [("k", "v\"")], to: path)
        let file = try SafetensorsFile(path: path)
        #expect(file.names == ["é\n", "d", "c", "a", "b"])
        #expect(file.metadata.map(\.value) == ["v\""])
        #expect((file.fileByteCount - 8 - 4 - 4) % 8 == 0)
    }

    @Test("of GGUF gives back the bytes of a file written by the format's own package")
    func ggufBytes() throws {
        let folder = try TemporaryFolder()
        for name in ["15-gguf-llama-mixed", "15-gguf-llama-q8_0"] {
            let file = try GGUFFile(path: Fixtures.path("\(name)/model.gguf"))
            let path = folder("a.gguf")
            try GGUFWriter.write(
                file.names.map { ($0, try file.tensor($0)) }, metadata: file.metadata, to: path)
            let same =
                try MappedFile(path: path).withBytes { Array($0) }
                == Fixtures.bytes("\(name)/model.gguf")
            #expect(same, "\(name) was written differently")
        }
    }

    @Test("of GGUF writes every type of value, and alignment as the metadata says")
    func ggufValues() throws {
        let folder = try TemporaryFolder()
        var metadata = GGUFMetadata()
        metadata["general.alignment"] = .uint32(64)
        metadata["a"] = .uint8(1)
        metadata["b"] = .int16(-2)
        metadata["c"] = .float64(0.1)
        metadata["d"] = .bool(true)
        metadata["e"] = .array(GGUFArray([Float(0.5), -1]))
        metadata["f"] = .array(GGUFArray([Int32(-1), 2]))
        metadata["g"] = .array(GGUFArray([true, false]))
        metadata["h"] = .array(GGUFArray([] as [String]))
        metadata["i"] = .array(GGUFArray([UInt32.max]))
        let path = folder("a.gguf")
        let x = Tensor([1.0, 2, 3], shape: [3])
        try GGUFWriter.write(
            [("x", x), ("y", Tensor([4.0], shape: [1]))], metadata: metadata, to: path)
        let file = try GGUFFile(path: path)
        #expect(file.metadata.keys == metadata.keys)
        #expect(file.metadata.pairs.map(\.value.type) == metadata.pairs.map(\.value.type))
        #expect(
            file.metadata.pairs.map(\.value.description) == metadata.pairs.map(\.value.description))
        #expect(try file.metadata.floats("e") == [0.5, -1])
        #expect(try file.metadata.ints("f") == [-1, 2])
        #expect(try file.metadata.ints("i") == [4_294_967_295])
        #expect(file.metadata["g"]?.arrayValue?.bools == [true, false])
        #expect(file.alignment == 64)
        #expect(file.fileByteCount % 64 == 0)
        #expect(try file.tensor("y").floatArray() == [4])
    }

    @Test("takes tensors in any order, each once, as they were announced")
    func announced() throws {
        let folder = try TemporaryFolder()
        let (a, b) = (Tensor([1.0, 2], shape: [2]), Tensor([3.0], shape: [1]))
        let infos = [TensorInfo(a, name: "a"), TensorInfo(b, name: "b")]
        let path = folder("a.safetensors")
        let writer = try SafetensorsWriter(path: path, infos)
        try writer.write(b, as: "b")
        #expect(throws: SafetensorsError(path, .notAsAnnounced(tensor: "b"))) {
            try writer.write(b, as: "b")
        }
        #expect(throws: SafetensorsError(path, .notAsAnnounced(tensor: "a"))) {
            try writer.write(b, as: "a")
        }
        #expect(throws: SafetensorsError(path, .notAsAnnounced(tensor: "c"))) {
            try writer.write(b, as: "c")
        }
        #expect(throws: SafetensorsError(path, .notAsAnnounced(tensor: "a"))) {
            try writer.finish()
        }
        #expect(!folder.contents.contains("a.safetensors"))
        try writer.write(a, as: "a")
        try writer.finish()
        #expect(try SafetensorsFile(path: path).tensor("a").floatArray() == [1, 2])

        let other = folder("a.gguf")
        let gguf = try GGUFWriter(path: other, metadata: GGUFMetadata(), infos)
        try gguf.write(b, as: "b")
        #expect(throws: GGUFError(other, .notAsAnnounced(tensor: "a"))) { try gguf.finish() }
        try gguf.write(a, as: "a")
        try gguf.finish()
        #expect(try GGUFFile(path: other).tensor("b").floatArray() == [3])
    }

    @Test("refuses what its format cannot hold")
    func refusals() throws {
        let folder = try TemporaryFolder()
        let path = folder("a")
        func info(_ name: String, _ dtype: DType, _ shape: [Int], _ bytes: Int) -> TensorInfo {
            TensorInfo(name: name, dtype: dtype, shape: shape, byteCount: bytes)
        }
        let none = GGUFMetadata()
        #expect(
            throws: SafetensorsError(path, .unsupportedType(tensor: "q", name: "Q8_0"))
        ) { try SafetensorsWriter(path: path, [info("q", .q8_0, [32], 34)]) }
        #expect(throws: SafetensorsError(path, .duplicateKey("a"))) {
            try SafetensorsWriter(path: path, [info("a", .u8, [1], 1), info("a", .u8, [1], 1)])
        }
        #expect(throws: SafetensorsError(path, .duplicateKey("__metadata__"))) {
            try SafetensorsWriter(path: path, [info("__metadata__", .u8, [1], 1)])
        }
        #expect(throws: SafetensorsError(path, .duplicateKey("k"))) {
            try SafetensorsWriter(path: path, [], metadata: [("k", "1"), ("k", "2")])
        }
        #expect(throws: SafetensorsError(path, .sizeOverflow(tensor: "a", shape: [2]))) {
            try SafetensorsWriter(path: path, [info("a", .u8, [2], 1)])
        }
        #expect(throws: GGUFError(path, .notWritable(tensor: "a", found: "the type U8"))) {
            try GGUFWriter(path: path, metadata: none, [info("a", .u8, [1], 1)])
        }
        #expect(throws: GGUFError(path, .notWritable(tensor: "a", found: "5 dimensions"))) {
            try GGUFWriter(path: path, metadata: none, [info("a", .i8, [1, 1, 1, 1, 1], 1)])
        }
        #expect(throws: GGUFError(path, .duplicateTensor("a"))) {
            try GGUFWriter(
                path: path, metadata: none, [info("a", .i8, [1], 1), info("a", .i8, [1], 1)])
        }
        #expect(throws: GGUFError.self) {
            try GGUFWriter(path: path, metadata: none, [info("a", .q8_0, [16, 2], 34)])
        }
        #expect(throws: GGUFError.self) {
            let long = String(repeating: "n", count: 64)
            _ = try GGUFWriter(path: path, metadata: none, [info(long, .i8, [1], 1)])
        }
        var metadata = GGUFMetadata()
        metadata["general.alignment"] = .uint32(3)
        #expect(throws: GGUFError(path, .badAlignment(3))) {
            try GGUFWriter(path: path, metadata: metadata, [])
        }
        #expect(folder.contents == [])
    }

    @Test("leaves the old file whole and nothing else when the disk is full")
    func diskFull() throws {
        let folder = try TemporaryFolder()
        let path = folder("a.safetensors")
        try SafetensorsWriter.write([("old", Tensor([1.0], shape: [1]))], to: path)
        var calls = FileCalls.system
        calls.write = { _, _, offset in
            if offset > 200 {
                errno = ENOSPC
                return -1
            }
            return 1
        }
        let x = Tensor.zeros([1000])
        let writer = try SafetensorsWriter(
            path: path, [TensorInfo(x, name: "x")], metadata: [], calls: calls)
        #expect {
            try writer.write(x, as: "x")
        } throws: { error in
            if case .diskFull? = (error as? WriteError)?.reason { true } else { false }
        }
        #expect(folder.contents == ["a.safetensors"])
        #expect(try SafetensorsFile(path: path).names == ["old"])
    }

    @Test("refuses at once what cannot fit on the disk")
    func noRoom() throws {
        let folder = try TemporaryFolder()
        let path = folder("a.gguf")
        let huge = TensorInfo(name: "x", dtype: .i8, shape: [1 << 55], byteCount: 1 << 55)
        #expect {
            _ = try GGUFWriter(path: path, metadata: GGUFMetadata(), [huge])
        } throws: { error in
            if case .noRoom? = (error as? WriteError)?.reason { true } else { false }
        }
        #expect(folder.contents == [])
    }

    @Test("leaves the old file or the new one, wherever it is stopped")
    func interruption() throws {
        let old = [("old", Tensor([1.0], shape: [1]))]
        let new = [("new", Tensor([2.0, 3], shape: [2])), ("b", Tensor([4.0], shape: [1]))]
        for call in 0..<8 {
            for crashes in [false, true] {
                let folder = try TemporaryFolder()
                let path = folder("a.safetensors")
                try SafetensorsWriter.write(old, to: path)
                let counter = Counter()
                var calls = FileCalls.system
                calls.write = { [write = calls.write] in
                    counter.next() == call ? counter.fail(-1) : write($0, $1, $2)
                }
                calls.sync = { [sync = calls.sync] in
                    counter.next() == call ? Int32(counter.fail(-1)) : sync($0)
                }
                calls.rename = { [rename = calls.rename] in
                    counter.next() == call ? Int32(counter.fail(-1)) : rename($0, $1)
                }
                let writer = try? SafetensorsWriter(
                    path: path, new.map { TensorInfo($0.1, name: $0.0) }, metadata: [],
                    calls: calls)
                var failed = writer == nil
                do {
                    for (name, tensor) in new { try writer?.write(tensor, as: name) }
                    try writer?.finish()
                } catch is WriteError {
                    failed = true
                }
                #expect(failed == (call < 7))
                let names = try SafetensorsFile(path: path).names
                // The sixth call is the rename, the seventh brings the folder to the disk.
                #expect(names == (call < 6 ? ["old"] : ["b", "new"]))
                // A crash is what an error is, without the cleaning up.
                if !crashes { #expect(folder.contents == ["a.safetensors"]) }
            }
        }
    }

    @Test("clears away what a killed one left, and nothing that is being written")
    func abandoned() throws {
        let folder = try TemporaryFolder()
        let x = Tensor([1.0], shape: [1])
        let info = [TensorInfo(x, name: "x")]
        // Names without a lock on them are those of processes that are gone.
        try folder.write([1, 2, 3], to: ".fathom.abc.part")
        #expect(mkdir(folder(".fathom.def.part"), 0o700) == 0)
        try folder.write([4], to: ".fathom.def.part/model.safetensors")
        try folder.write([5], to: ".other.part")
        let first = try SafetensorsWriter(path: folder("a"), info)
        #expect(folder.contents.count == 2)
        let second = try SafetensorsWriter(path: folder("b"), info)
        #expect(folder.contents.count == 3)
        for writer in [first, second] {
            try writer.write(x, as: "x")
            try writer.finish()
        }
        #expect(folder.contents == [".other.part", "a", "b"])
        #expect(try SafetensorsFile(path: folder("a")).names == ["x"])
    }

    @Test("takes names with spaces, line ends and characters beyond ASCII")
    func names() throws {
        let folder = try TemporaryFolder()
        let x = Tensor([1.0], shape: [1])
        for name in [
            "a b.safetensors", "\u{1F41F}.gguf", "é\n\"", String(repeating: "n", count: 255),
            String(repeating: "\u{1F41F}", count: 63),
        ] {
            try SafetensorsWriter.write([(name, x)], to: folder(name))
            #expect(try SafetensorsFile(path: folder(name)).names == [name])
        }
        #expect(folder.contents.count == 5)
        #expect(throws: WriteError.self) {
            try SafetensorsWriter.write([], to: folder(String(repeating: "n", count: 256)))
        }
    }

    @Test("replaces a link, and refuses a name that is no file")
    func targets() throws {
        let folder = try TemporaryFolder()
        let x = [("x", Tensor([1.0], shape: [1]))]
        try folder.write([1], to: "real")
        #expect(symlink("real", folder("link")) == 0)
        try SafetensorsWriter.write(x, to: folder("link"))
        #expect(try MappedFile(path: folder("real")).byteCount == 1)
        #expect(try SafetensorsFile(path: folder("link")).names == ["x"])
        #expect(throws: WriteError.self) { try SafetensorsWriter.write(x, to: folder.path) }
        #expect(throws: WriteError.self) { try SafetensorsWriter.write(x, to: "/dev/null") }
        #expect(throws: WriteError.self) { try SafetensorsWriter.write(x, to: folder("no/x")) }
        #expect(throws: WriteError.self) { try SafetensorsWriter.write(x, to: "") }
    }
}

/// Counts the calls of a writer, on one thread.
private final class Counter: @unchecked Sendable {
    private var count = -1

    func next() -> Int {
        count += 1
        return count
    }

    func fail(_ result: Int) -> Int {
        errno = EIO
        return result
    }
}
