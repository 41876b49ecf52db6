import FathomCheckpoints
import FathomTensors
import FathomTestSupport
import Testing

@Suite("A safetensors file")
struct SafetensorsFileTests {
    let folder = try? TemporaryFolder()

    private func open(
        _ bytes: [UInt8], limits: SafetensorsLimits = .default
    ) throws -> SafetensorsFile {
        let folder = try #require(folder)
        return try SafetensorsFile(path: folder.write(bytes, to: "a.safetensors"), limits: limits)
    }

    private func reason(
        _ bytes: [UInt8], limits: SafetensorsLimits = .default
    ) throws -> SafetensorsError.Reason? {
        do {
            _ = try open(bytes, limits: limits)
            return nil
        } catch let error as SafetensorsError {
            #expect(error.description.hasPrefix(error.path + ": "))
            return error.reason
        }
    }

    @Test("gives names in the order of the data, shapes, types, metadata and values")
    func reads() throws {
        let file = try open(
            safetensors(
                #"{"b":{"dtype":"F32","shape":[2],"data_offsets":[2,10]},"__metadata__":"#
                    + #"{"format":"pt","é":"\u00e9\n"},"#
                    + #""a\u0041":{"shape":[1,2],"data_offsets":[0,2],"dtype":"U8"}}  "#,
                data: [7, 9] + littleEndian(Float(1.5).bitPattern)
                    + littleEndian(Float(-2).bitPattern)))
        #expect(file.names == ["aA", "b"])
        #expect(file.metadata.map(\.key) == ["format", "é"])
        #expect(file.metadata.map(\.value) == ["pt", "é\n"])
        #expect(
            file.info("aA") == TensorInfo(name: "aA", dtype: .u8, shape: [1, 2], byteCount: 2))
        #expect(file.info("c") == nil)
        #expect(try file.tensor("aA").withBytes { Array($0) } == [7, 9])
        // Begins at an odd place, so it was copied.
        #expect(try file.tensor("b").floatArray() == [1.5, -2])
        #expect(try !file.tensor("b").storage.isMapped)
    }

    @Test("lends aligned tensors as views of the mapped file")
    func maps() throws {
        let file = try Fixtures.tensors("01-llama-gqa-sharded/model-00001-of-00003.safetensors")
        let tensor = try file.tensor("lm_head.weight")
        #expect(tensor.storage.isMapped)
        #expect(tensor.shape == [320, 96])
        #expect(tensor.dtype == .f32)
    }

    @Test("may hold empty tensors, scalars and nothing at all")
    func empties() throws {
        let file = try open(
            safetensors(
                #"{"e":{"dtype":"F64","shape":[3,0],"data_offsets":[0,0]},"#
                    + #""s":{"dtype":"I16","shape":[],"data_offsets":[0,2]}}"#, data: [1, 2]))
        #expect(try file.tensor("e").shape == [3, 0])
        #expect(try file.tensor("s").shape == [])
        #expect(try open(safetensors("{}")).names == [])
    }

    @Test("knows every type that can be computed with")
    func types() throws {
        let types: [(String, DType)] = [
            ("F64", .f64), ("F32", .f32), ("F16", .f16), ("BF16", .bf16), ("F8_E4M3", .f8e4m3),
            ("F8_E5M2", .f8e5m2), ("I64", .i64), ("I32", .i32), ("I16", .i16), ("I8", .i8),
            ("U64", .u64), ("U32", .u32), ("U16", .u16), ("U8", .u8), ("BOOL", .bool),
        ]
        for (name, dtype) in types {
            let size = dtype.blockBytes
            let file = try open(
                safetensors(
                    #"{"x":{"dtype":"\#(name)","shape":[1],"data_offsets":[0,\#(size)]}}"#,
                    data: Array(repeating: 0, count: size)))
            #expect(file.info("x")?.dtype == dtype)
            #expect(dtype.safetensorsName == name)
        }
    }

    @Test("has shapes of up to eight dimensions, of which four can be computed with")
    func rank() throws {
        func header(_ rank: Int) -> String {
            let shape = Array(repeating: "1", count: rank).joined(separator: ",")
            return #"{"x":{"dtype":"U8","shape":[\#(shape)],"data_offsets":[0,1]}}"#
        }
        let file = try open(safetensors(header(8), data: [5]))
        #expect(file.info("x")?.shape == [1, 1, 1, 1, 1, 1, 1, 1])
        #expect(
            throws: CheckpointError.rankTooHigh(
                name: "x", path: file.path, shape: Array(repeating: 1, count: 8))
        ) { try file.tensor("x") }
        #expect(try open(safetensors(header(4), data: [5])).tensor("x").shape == [1, 1, 1, 1])
        #expect(
            try reason(safetensors(header(9), data: [5])) == .rankTooHigh(tensor: "x", limit: 8))
    }

    @Test("names the tensor that is asked for and not there")
    func noTensor() throws {
        let file = try open(safetensors("{}"))
        #expect(
            throws: CheckpointError.noTensor(name: "x", path: file.path, tensorCount: 0)
        ) { try file.tensor("x") }
    }

    @Test("is refused if it is too small for the length of its header", arguments: 0..<8)
    func tooSmall(count: Int) throws {
        #expect(
            try reason(Array(repeating: 0, count: count)) == .fileTooSmall(bytes: count))
    }

    @Test("is refused for a header that is too long, too short, or beyond the file")
    func headerLength() throws {
        #expect(
            try reason(littleEndian(UInt64.max))
                == .headerTooLarge(bytes: .max, limit: 64 << 20))
        #expect(
            try reason(littleEndian(UInt64(100_000_001)))
                == .headerTooLarge(bytes: 100_000_001, limit: 64 << 20))
        #expect(
            try reason(littleEndian(UInt64(3)) + [0x7B, 0x7D])
                == .badHeaderLength(bytes: 3, fileBytes: 10))
        #expect(try reason(littleEndian(UInt64(0))) == .headerTooShort(bytes: 0))
        #expect(try reason(littleEndian(UInt64(1)) + [0x7B]) == .headerTooShort(bytes: 1))
    }

    @Test("is refused for a header that is not JSON of the right form")
    func headerText() throws {
        #expect(try reason(safetensors(" {}")) == .headerStart(found: 0x20))
        #expect(try reason(safetensors("[]")) == .headerStart(found: 0x5B))
        #expect(
            try reason(safetensors([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D])) == .invalidUTF8)
        let entry = #"{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#
        let broken = [
            "{,}", "{\"x\"}", "{\"x\":}", "{\"x\":\(entry),}", "{\"x\":\(entry)", "{}{}", "{} x",
            "{\"x\":1}", "{\"x\":[\(entry)]}", "{\"x\":null}", "{x:\(entry)}", "{'x':\(entry)}",
            #"{"x":{"dtype":"U8","shape":[1,],"data_offsets":[0,1]}}"#,
            #"{"x":{"dtype":"U8","shape":[01],"data_offsets":[0,1]}}"#,
            #"{"x":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}"#,
            #"{"x":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}"#,
            #"{"x":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}}"#,
            #"{"x":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}}"#,
            #"{"x":{"dtype":"U8","shape":"1","data_offsets":[0,1]}}"#,
            #"{"x":{"dtype":8,"shape":[1],"data_offsets":[0,1]}}"#,
            #"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0]}}"#,
            #"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}"#,
            #"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,99999999999999999999]}}"#,
            "{\"x\u{1}\":\(entry)}", "{\"x\\q\":\(entry)}", "{\"x\\ud800\":\(entry)}",
            "{\"x", "{\"x\\", #"{"__metadata__":{"a":1}}"#, #"{"__metadata__":{"a":{}}}"#,
            #"{"__metadata__":[]}"#, "{\"x\": // comment\n\(entry)}",
        ]
        for text in broken {
            let found = try reason(safetensors(text, data: [0]))
            guard case .unexpected(let offset, _, _)? = found else {
                Issue.record("\(text) gave \(found.map { "\($0)" } ?? "no error")")
                continue
            }
            #expect(offset >= 8 && offset <= 8 + text.utf8.count)
        }
    }

    @Test("is refused for a key that occurs twice, in whatever spelling")
    func duplicates() throws {
        let entry = #"{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#
        #expect(
            try reason(safetensors(#"{"x":\#(entry),"x":\#(entry)}"#)) == .duplicateKey("x"))
        #expect(
            try reason(safetensors(#"{"x":\#(entry),"\u0078":\#(entry)}"#)) == .duplicateKey("x"))
        #expect(
            try reason(safetensors(#"{"__metadata__":{"a":"1","a":"2"}}"#)) == .duplicateKey("a"))
        #expect(
            try reason(safetensors(#"{"__metadata__":{},"__metadata__":{}}"#))
                == .duplicateKey("__metadata__"))
        // Equal to Swift, different in the file.
        #expect(
            try open(safetensors("{\"é\":\(entry),\"e\u{301}\":\(entry)}")).names.count == 2)
    }

    @Test("is refused for fields that are unknown, repeated or missing")
    func fields() throws {
        #expect(
            try reason(
                safetensors(#"{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"y":1}}"#))
                == .badField(tensor: "x", field: "y"))
        #expect(
            try reason(
                safetensors(
                    #"{"x":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#))
                == .badField(tensor: "x", field: "dtype"))
        #expect(
            try reason(safetensors(#"{"x":{"shape":[0],"data_offsets":[0,0]}}"#))
                == .missingField(tensor: "x", field: "dtype"))
        #expect(
            try reason(safetensors(#"{"x":{"dtype":"U8","data_offsets":[0,0]}}"#))
                == .missingField(tensor: "x", field: "shape"))
        #expect(
            try reason(safetensors(#"{"x":{"dtype":"U8","shape":[0]}}"#))
                == .missingField(tensor: "x", field: "data_offsets"))
        #expect(
            try reason(safetensors(#"{"x":{}}"#)) == .missingField(tensor: "x", field: "dtype"))
    }

    @Test("is refused for types that are unknown or not supported")
    func badTypes() throws {
        func header(_ type: String) -> [UInt8] {
            safetensors(#"{"x":{"dtype":"\#(type)","shape":[0],"data_offsets":[0,0]}}"#)
        }
        #expect(try reason(header("f32")) == .unknownType(tensor: "x", name: "f32"))
        #expect(try reason(header("")) == .unknownType(tensor: "x", name: ""))
        #expect(try reason(header("F4")) == .unsupportedType(tensor: "x", name: "F4"))
        #expect(try reason(header("C64")) == .unsupportedType(tensor: "x", name: "C64"))
    }

    @Test("is refused for a shape whose product overflows, even to a small number")
    func overflow() throws {
        #expect(
            try reason(
                safetensors(
                    #"{"x":{"dtype":"U8","shape":[4194305,4194305,211106198978564],"#
                        + #""data_offsets":[0,4]}}"#, data: [0, 0, 0, 0]))
                == .sizeOverflow(tensor: "x", shape: [4_194_305, 4_194_305, 211_106_198_978_564]))
        #expect(
            try reason(
                safetensors(
                    #"{"x":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}"#))
                == .sizeOverflow(tensor: "x", shape: [2_305_843_009_213_693_952]))
    }

    @Test("is refused for such a shape even if a size of zero excuses it", arguments: 0..<3)
    func hiddenOverflow(zero: Int) throws {
        var shape = [1 << 62, 1 << 62, 1 << 62]
        shape[zero] = 0
        #expect(
            try reason(
                safetensors(#"{"x":{"dtype":"U8","shape":\#(shape),"data_offsets":[0,0]}}"#))
                == .sizeOverflow(tensor: "x", shape: shape))
    }

    @Test("is refused unless its tensors cover the data exactly")
    func placement() throws {
        func two(_ a: (Int, Int), _ b: (Int, Int), data: Int) throws -> SafetensorsError.Reason? {
            func entry(_ range: (Int, Int)) -> String {
                #"{"dtype":"U8","shape":[\#(range.1 - range.0)],"#
                    + #""data_offsets":[\#(range.0),\#(range.1)]}"#
            }
            return try reason(
                safetensors(
                    #"{"a":\#(entry(a)),"b":\#(entry(b))}"#,
                    data: Array(repeating: 0, count: data)))
        }
        #expect(try two((0, 4), (4, 8), data: 8) == nil)
        #expect(try two((4, 8), (0, 4), data: 8) == nil)
        #expect(
            try two((0, 4), (3, 7), data: 7) == .overlap(tensor: "b", begin: 3, previousEnd: 4))
        #expect(
            try two((0, 4), (0, 4), data: 4) == .overlap(tensor: "b", begin: 0, previousEnd: 4))
        #expect(try two((0, 4), (5, 9), data: 9) == .hole(tensor: "b", begin: 5, previousEnd: 4))
        #expect(try two((1, 4), (4, 8), data: 8) == .hole(tensor: "a", begin: 1, previousEnd: 0))
        #expect(try two((0, 4), (4, 8), data: 9) == .trailingBytes(1))
        #expect(
            try two((0, 4), (4, 8), data: 7)
                == .dataCutShort(tensor: "b", neededBytes: 8, foundBytes: 7))
        #expect(
            try reason(
                safetensors(
                    #"{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}}"#, data: [0]))
                == .sizeMismatch(tensor: "x", rangeBytes: 1, neededBytes: 2))
        #expect(
            try reason(safetensors(#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}"#))
                == .reversedOffsets(tensor: "x", begin: 1, end: 0))
    }

    @Test("is refused for more tensors, longer names or a longer header than the limits")
    func limits() throws {
        let entry = #"{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#
        let three = safetensors(#"{"a":\#(entry),"b":\#(entry),"c":\#(entry)}"#)
        #expect(try reason(three, limits: SafetensorsLimits(maximumTensorCount: 3)) == nil)
        #expect(
            try reason(three, limits: SafetensorsLimits(maximumTensorCount: 2))
                == .tooManyTensors(limit: 2))
        let name = String(repeating: "n", count: 4097)
        #expect(
            try reason(safetensors(#"{"\#(name)":\#(entry)}"#))
                == .nameTooLong(bytes: 4097, limit: 4096))
        #expect(
            try reason(three, limits: SafetensorsLimits(maximumHeaderBytes: 10))
                == .headerTooLarge(bytes: UInt64(three.count - 8), limit: 10))
    }

    @Test("is refused for a million and one tensors")
    func million() throws {
        var header = Array("{".utf8)
        header.reserveCapacity(64 << 20)
        for number in 0...1_000_000 {
            header.append(contentsOf: number == 0 ? "\"".utf8 : ",\"".utf8)
            header.append(contentsOf: String(number, radix: 36).utf8)
            header.append(
                contentsOf: #"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#.utf8)
        }
        header.append(contentsOf: "}".utf8)
        #expect(header.count < 64 << 20)
        #expect(try reason(safetensors(header)) == .tooManyTensors(limit: 1_000_000))
    }

    @Test("is refused when it is cut off at any byte")
    func truncation() throws {
        let whole = safetensors(
            #"{"__metadata__":{"a":"b"},"x":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]},"#
                + #""\u0079":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}"#,
            data: [0, 1, 2, 3, 4, 5, 6, 7])
        #expect(try reason(whole) == nil)
        for count in 0..<whole.count {
            #expect(try reason(Array(whole[..<count])) != nil, "\(count) bytes were accepted")
            // The same with the length made to fit: a header cut off instead of a file.
            if count > 8, count < whole.count - 8 {
                let header = safetensors(Array(whole[8..<count]), data: Array(whole.suffix(8)))
                #expect(try reason(header) != nil, "a header of \(count - 8) bytes was accepted")
            }
        }
    }

    @Test("gives tensors or a named error whatever bytes are damaged")
    func fuzz() throws {
        let whole = safetensors(
            #"{"__metadata__":{"a":"b\n"},"x":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]},"#
                + #""\u0079":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}}"#,
            data: [0, 1, 2, 3, 4, 5, 6, 7])
        var flips = ByteFlips(whole, seed: 7)
        try flips.forEach("safetensors", count: 3000) { bytes in
            do {
                let file = try open(bytes)
                for name in file.names { _ = try file.tensor(name).withBytes { $0.first } }
            } catch is SafetensorsError {
            } catch is CheckpointError {
            }
        }
    }
}
