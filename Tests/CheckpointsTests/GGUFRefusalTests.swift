import FathomCheckpoints
import FathomTensors
import FathomTestSupport
import Testing

/// The classes of damaged files that llama.cpp tests (tests/test-gguf.cpp), and more.
@Suite("A damaged GGUF file")
struct GGUFRefusalTests {
    let folder = try? TemporaryFolder()

    private func reason(
        allowsMissingData: Bool = false, limits: GGUFLimits = .default,
        _ build: (inout GGUFBytes) -> Void
    ) throws -> GGUFError.Reason? {
        var file = GGUFBytes()
        build(&file)
        return try reason(file.bytes, allowsMissingData: allowsMissingData, limits: limits)
    }

    private func reason(
        _ bytes: [UInt8], allowsMissingData: Bool = false, limits: GGUFLimits = .default
    ) throws -> GGUFError.Reason? {
        let path = try #require(folder).write(bytes, to: "a.gguf")
        do {
            _ = try GGUFFile(path: path, allowsMissingData: allowsMissingData, limits: limits)
            return nil
        } catch let error as GGUFError {
            #expect(error.description.hasPrefix(path + ": "))
            return error.reason
        }
    }

    @Test("is refused for its magic")
    func magic() throws {
        #expect(
            try reason { $0.magic = Array("FUGG".utf8) } == .badMagic(found: Array("FUGG".utf8)))
        #expect(try reason([]) == .badMagic(found: []))
        #expect(try reason(Array("GGU".utf8)) == .badMagic(found: Array("GGU".utf8)))
    }

    @Test(
        "is refused for a version other than 2 and 3",
        arguments: [0, 1, 4, 5, 0x1_0003] as [UInt32])
    func version(version: UInt32) throws {
        #expect(try reason { $0.version = version } == .badVersion(version))
    }

    @Test("is refused for the byte order of other machines")
    func bigEndian() throws {
        #expect(try reason { $0.version = UInt32(3).byteSwapped } == .bigEndian)
    }

    @Test("is accepted empty, with and without padding, in versions 2 and 3")
    func empty() throws {
        #expect(try reason { _ in } == nil)
        #expect(try reason { $0.version = 2 } == nil)
        #expect(try reason(GGUFBytes().header) == nil)
    }

    @Test("is refused for counts beyond its length or the limits")
    func counts() throws {
        #expect(
            try reason { $0.tensorCount = .max }
                == .countTooLarge(of: "tensors", count: .max, limit: 0))
        #expect(
            try reason { $0.pairCount = .max }
                == .countTooLarge(of: "metadata pairs", count: .max, limit: 0))
        #expect(
            try reason { $0.pairCount = 1 << 63 }
                == .countTooLarge(of: "metadata pairs", count: 1 << 63, limit: 0))
        #expect(
            try reason(limits: GGUFLimits(maximumPairCount: 1)) {
                $0.pair("aaaaaaaa", type: 10, value: littleEndian(UInt64(1)))
                $0.pair("bbbbbbbb", type: 10, value: littleEndian(UInt64(1)))
            } == .countTooLarge(of: "metadata pairs", count: 2, limit: 1))
    }

    @Test("is refused for keys that are too long, empty, not UTF-8 or there twice")
    func keys() throws {
        #expect(
            try reason {
                $0.pair(
                    GGUFBytes.string("key".utf8.map { $0 }, length: .max), type: 0, value: [1])
            } == .stringTooLong(offset: 24, bytes: .max, limit: 32))
        #expect(
            try reason { $0.pair("", type: 10, value: littleEndian(UInt64(1))) }
                == .emptyKey(offset: 24))
        #expect(
            try reason { $0.pair(GGUFBytes.string([0xFF, 0xFE]), type: 0, value: [1]) }
                == .invalidUTF8(offset: 32, of: "a metadata key"))
        #expect(
            try reason {
                $0.pair("key", type: 0, value: [1])
                $0.pair("key", type: 0, value: [1])
            } == .duplicateKey("key"))
        #expect(
            try reason(limits: GGUFLimits(maximumKeyBytes: 2)) {
                $0.pair("key", type: 0, value: [1])
            }
                == .stringTooLong(offset: 24, bytes: 3, limit: 2))
    }

    @Test("is refused for values of unknown type or impossible content")
    func values() throws {
        #expect(
            try reason { $0.pair("key", type: 13, value: [1]) }
                == .unknownValueType(key: "key", number: 13))
        #expect(
            try reason { $0.array("key", type: 13, count: 1, elements: [1]) }
                == .unknownValueType(key: "key", number: 13))
        #expect(
            try reason { $0.pair("key", type: 7, value: [2]) } == .badBool(key: "key", byte: 2))
        #expect(
            try reason { $0.array("key", type: 7, count: 3, elements: [0, 1, 0x80]) }
                == .badBool(key: "key", byte: 0x80))
        #expect(
            try reason { $0.pair("key", type: 8, value: GGUFBytes.string([0x80])) }
                == .invalidUTF8(offset: 47, of: "the value of 'key'"))
        #expect(
            try reason { $0.pair("key", type: 8, value: GGUFBytes.string([], length: 1 << 40)) }
                == .stringTooLong(offset: 39, bytes: 1 << 40, limit: 17))
        #expect(
            try reason(
                Array(GGUFBytes().header.prefix(16)) + littleEndian(UInt64(1))
                    + GGUFBytes.string("key") + littleEndian(UInt32(10)) + [1, 2, 3])
                == .headerCutShort(offset: 39, reading: "the value of 'key'"))
    }

    @Test("is refused for arrays that are too long or nested")
    func arrays() throws {
        #expect(
            try reason { $0.array("key", type: 6, count: 1 << 63, elements: []) }
                == .arrayTooLong(key: "key", count: 1 << 63, limit: 3))
        #expect(
            try reason { $0.array("key", type: 10, count: .max / 8 + 1, elements: []) }
                == .arrayTooLong(key: "key", count: .max / 8 + 1, limit: 1))
        #expect(
            try reason { $0.array("key", type: 8, count: 1 << 60, elements: []) }
                == .arrayTooLong(key: "key", count: 1 << 60, limit: 1))
        var nested: [UInt8] = []
        for _ in 0..<10_000 { nested += littleEndian(UInt32(9)) + littleEndian(UInt64(1)) }
        #expect(
            try reason { $0.pair("key", type: 9, value: nested) } == .nestedArray(key: "key"))
        #expect(
            try reason {
                $0.array(
                    "key", type: 8, count: 2,
                    elements: GGUFBytes.string("a") + GGUFBytes.string([], length: .max))
            } == .stringTooLong(offset: 60, bytes: .max, limit: 28))
    }

    @Test(
        "is refused for an alignment that is no power of two up to 1 MiB",
        arguments: [0, 13, 1 << 21, 1 << 31, .max] as [UInt32])
    func alignment(value: UInt32) throws {
        #expect(
            try reason { $0.pair("general.alignment", type: 4, value: littleEndian(value)) }
                == .badAlignment(value))
    }

    @Test("is refused for an alignment of another type")
    func alignmentType() throws {
        #expect(
            try reason { $0.pair("general.alignment", type: 5, value: littleEndian(Int32(32))) }
                == .alignmentType(found: .int32))
        #expect(
            try reason { $0.pair("general.alignment", type: 10, value: littleEndian(UInt64(32))) }
                == .alignmentType(found: .uint64))
    }

    @Test("is accepted with an alignment of its own")
    func customAlignment() throws {
        for alignment in [1, 8, 64, 1 << 20] {
            #expect(
                try reason { file in
                    file.alignment = alignment
                    file.pair(
                        "general.alignment", type: 4, value: littleEndian(UInt32(alignment)))
                    file.tensor("a", [3], bytes: [1, 2, 3])
                    file.tensor("b", [2], bytes: [4, 5])
                } == nil)
        }
    }

    @Test("is refused for offsets of another alignment than it says")
    func inconsistentAlignment() throws {
        #expect(
            try reason { file in
                file.alignment = 1
                file.tensor("a", [3], bytes: [1, 2, 3])
                file.tensor("b", [2], bytes: [4, 5])
            } == .misalignedOffset(tensor: "b", offset: 3, alignment: 32))
    }

    @Test("is refused for tensor names that are too long, empty, not UTF-8 or there twice")
    func tensorNames() throws {
        let long = String(repeating: "n", count: 65)
        #expect(
            try reason { $0.tensor(long, [1], bytes: [1]) }
                == .tensorNameTooLong(name: long, bytes: 65, limit: 64))
        #expect(
            try reason { $0.tensor("", [1], bytes: [1]) } == .emptyTensorName(offset: 24))
        #expect(
            try reason {
                $0.tensor(name: GGUFBytes.string([0xC0]), dimensions: [1], type: 24, bytes: [1])
            } == .invalidUTF8(offset: 32, of: "a tensor name"))
        #expect(
            try reason {
                $0.tensor(name: littleEndian(UInt64.max), dimensions: [1], type: 24, bytes: [1])
            }
                == .stringTooLong(offset: 24, bytes: .max, limit: 64))
        #expect(
            try reason {
                $0.tensor("a", [1], bytes: [1])
                $0.tensor("a", [1], bytes: [1])
            } == .duplicateTensor("a"))
    }

    @Test("is refused for dimensions that are too many, negative or too large")
    func dimensions() throws {
        #expect(
            try reason { $0.tensor("a", [1, 1, 1, 1, 1], bytes: [1]) }
                == .tooManyDimensions(tensor: "a", count: 5))
        #expect(
            try reason { $0.tensor("a", [1], rank: .max, bytes: [1]) }
                == .tooManyDimensions(tensor: "a", count: .max))
        #expect(
            try reason { $0.tensor("a", [1, -1], bytes: [1]) }
                == .negativeDimension(tensor: "a", value: -1))
        #expect(
            try reason { $0.tensor("a", [1 << 32, 1 << 31], bytes: [1]) }
                == .tooManyElements(tensor: "a"))
        #expect(
            try reason { $0.tensor("a", [1 << 60], type: 27, bytes: [1]) }
                == .tooManyBytes(tensor: "a"))
        // More bytes than elements: a block of 4 bits an element would pass a check of elements.
        #expect(
            try reason { $0.tensor("a", [.max - 255], type: 1, bytes: [1]) }
                == .tooManyBytes(tensor: "a"))
    }

    @Test("is refused for sizes beyond 63 bits, even if a dimension of zero excuses them")
    func hiddenOverflow() throws {
        #expect(
            try reason { $0.tensor("a", [0, 1 << 62, 1 << 62]) } == .tooManyElements(tensor: "a"))
        #expect(
            try reason { $0.tensor("a", [1 << 62, 0, 1 << 62]) } == .tooManyElements(tensor: "a"))
        #expect(
            try reason { $0.tensor("a", [0, 1 << 62], type: 0) } == .tooManyBytes(tensor: "a"))
    }

    @Test("is accepted with a dimension of zero, and with a scalar")
    func zeroDimension() throws {
        #expect(try reason { $0.tensor("a", [4, 0]) } == nil)
        #expect(try reason { $0.tensor("a", [], bytes: [1]) } == nil)
    }

    @Test("is refused for sizes whose sum overflows")
    func totalSize() throws {
        #expect(
            try reason {
                $0.tensor("a", [0x7FFF_FFFF_FFFF_FFC0])
                $0.tensor("b", [0x7FFF_FFFF_FFFF_FFC0], offset: 0x7FFF_FFFF_FFFF_FFC0)
            } == .tooManyBytes(tensor: "a"))
        #expect(
            try reason {
                $0.tensor("a", [1 << 62])
                $0.tensor("b", [1 << 62], offset: 1 << 62)
            } == .tooManyBytes(tensor: "b"))
    }

    @Test("is refused for more elements in all than 63 bits count, though their bytes are fewer")
    func totalElements() throws {
        let elements = 1 << 62
        let bytes = elements / 256 * 84
        func tensors(_ count: Int) throws -> GGUFError.Reason? {
            try reason(allowsMissingData: true) { file in
                for number in 0..<count {
                    file.tensor(
                        "\(number)", [Int64(elements)], type: 10, offset: UInt64(number * bytes))
                }
            }
        }
        #expect(try tensors(1) == nil)
        #expect(try tensors(2) == .tooManyElements(tensor: "1"))
    }

    @Test("is refused for tensor types that are unknown or not supported")
    func tensorTypes() throws {
        #expect(
            try reason { $0.tensor("a", [256], type: 9, bytes: [1]) }
                == .unknownTensorType(tensor: "a", number: 9, name: "Q8_1"))
        for number in [99, 1002, UInt32.max] {
            #expect(
                try reason { $0.tensor("a", [256], type: number, bytes: [1]) }
                    == .unknownTensorType(tensor: "a", number: number, name: nil))
        }
        #expect(
            try reason { $0.tensor("a", [33], type: 8, bytes: [1]) }
                == .brokenRow(tensor: "a", rowLength: 33, type: "Q8_0", block: 32))
        // Whole blocks in all, but not in a row.
        #expect(
            try reason { $0.tensor("a", [16, 2], type: 8, bytes: [1]) }
                == .brokenRow(tensor: "a", rowLength: 16, type: "Q8_0", block: 32))
    }

    @Test("is refused for tensors that overlap or leave holes")
    func offsets() throws {
        let forty = [UInt8](repeating: 1, count: 40)
        #expect(
            try reason { $0.tensor("a", [1], offset: 1, bytes: [1]) }
                == .misalignedOffset(tensor: "a", offset: 1, alignment: 32))
        #expect(
            try reason { $0.tensor("a", [1], offset: 32, bytes: [1]) }
                == .hole(tensor: "a", offset: 32, expected: 0))
        #expect(
            try reason {
                $0.tensor("a", [40], bytes: forty)
                $0.tensor("b", [1], offset: 32, bytes: [1])
            } == .overlap(tensor: "b", offset: 32, expected: 64))
        #expect(
            try reason { $0.tensor("a", [1], offset: .max - 31, bytes: [1]) }
                == .hole(tensor: "a", offset: .max - 31, expected: 0))
    }

    @Test("that ends before its tensors do opens only to be looked at")
    func cutShort() throws {
        var file = GGUFBytes()
        file.tensor("a", [4], bytes: [1, 2, 3, 4])
        file.tensor("b", [40], bytes: Array(repeating: 5, count: 40))
        let whole = file.bytes
        let bytes = Array(whole.dropLast(64 - 39))
        #expect(
            try reason(bytes)
                == .dataCutShort(
                    tensor: "b", neededBytes: whole.count - 24, foundBytes: bytes.count))
        // The padding after the last tensor may be missing.
        #expect(try reason(Array(whole.dropLast(24))) == nil)
        let path = try #require(folder).write(bytes, to: "a.gguf")
        let partial = try GGUFFile(path: path, allowsMissingData: true)
        #expect(!partial.isComplete)
        #expect(partial.names == ["a", "b"])
        #expect(try partial.tensor("a").withBytes { Array($0) } == [1, 2, 3, 4])
        #expect(throws: CheckpointError.tensorNotDownloaded(name: "b", path: path)) {
            try partial.tensor("b")
        }
    }

    @Test("is refused when its header is cut off at any byte")
    func truncation() throws {
        var file = GGUFBytes()
        file.pair("general.architecture", type: 8, value: GGUFBytes.string("llama"))
        file.pair("flag", type: 7, value: [1])
        file.array(
            "tokens", type: 8, count: 2, elements: GGUFBytes.string("a") + GGUFBytes.string("é"))
        file.array("scores", type: 6, count: 2, elements: Array(repeating: 0, count: 8))
        file.tensor("a", [2, 3], bytes: [1, 2, 3, 4, 5, 6])
        file.tensor("b", [32], type: 8, bytes: Array(repeating: 0, count: 34))
        #expect(try reason(file.bytes) == nil)
        for count in file.header.indices {
            #expect(
                try reason(Array(file.header[..<count]), allowsMissingData: true) != nil,
                "\(count) bytes were accepted")
        }
    }

    @Test("gives tensors or a named error whatever bytes are damaged")
    func fuzz() throws {
        let folder = try #require(folder)
        var file = GGUFBytes()
        file.pair("general.architecture", type: 8, value: GGUFBytes.string("llama"))
        file.pair("general.alignment", type: 4, value: littleEndian(UInt32(32)))
        file.array(
            "tokens", type: 8, count: 3,
            elements: ["a", "é", ""].flatMap { GGUFBytes.string($0) })
        file.array("scores", type: 6, count: 2, elements: Array(repeating: 0, count: 8))
        file.array("flags", type: 7, count: 2, elements: [0, 1])
        file.tensor("blk.0.attn_q.weight", [2, 3], bytes: [1, 2, 3, 4, 5, 6])
        file.tensor("b", [32, 2], type: 8, bytes: Array(repeating: 0, count: 68))
        var flips = ByteFlips(file.bytes, in: 0..<file.header.count, seed: 11)
        try flips.forEach("GGUF", count: 5000) { bytes in
            let path = try folder.write(bytes, to: "fuzz.gguf")
            for allowsMissingData in [false, true] {
                do {
                    let file = try GGUFFile(path: path, allowsMissingData: allowsMissingData)
                    for (key, value) in file.metadata.pairs {
                        _ = value.description
                        _ = try? file.metadata.strings(key)
                        _ = try? file.metadata.ints(key)
                        _ = try? file.metadata.floats(key)
                    }
                    _ = try? GGUFNamedSource(file).names
                    for name in file.names { _ = try file.tensor(name).withBytes { $0.last } }
                } catch is GGUFError {
                } catch is CheckpointError {
                }
            }
        }
    }
}
