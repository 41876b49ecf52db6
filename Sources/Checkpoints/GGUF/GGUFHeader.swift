import FathomTensors

/// Everything a GGUF file says before its tensor data, checked against the file's length.
struct GGUFHeader: Sendable {
    struct Entry: Sendable {
        let dtype: DType
        let shape: [Int]
        let byteCount: Int
        /// Relative to the start of the file.
        let offset: Int
    }

    let version: UInt32
    private(set) var metadata: GGUFMetadata
    private(set) var alignment = 32
    private(set) var index = NameIndex()
    private(set) var entries: [Entry] = []
    /// The first tensor that lies, at least in part, beyond the end of the file.
    private(set) var firstMissing: (name: String, end: Int)?

    /// Reads the header of a mapped file.
    init(file: MappedFile, limits: GGUFLimits) throws(GGUFError.Reason) {
        let result = file.withBytes { bytes in
            Result { () throws(GGUFError.Reason) in try GGUFHeader(bytes, file, limits) }
        }
        self = try result.get()
    }

    private init(
        _ bytes: UnsafeRawBufferPointer, _ file: MappedFile, _ limits: GGUFLimits
    ) throws(GGUFError.Reason) {
        guard bytes.prefix(4).elementsEqual("GGUF".utf8) else {
            throw .badMagic(found: Array(bytes.prefix(4)))
        }
        var reader = GGUFReader(bytes)
        try reader.skip(4, "the magic")
        version = try reader.integer("the version")
        guard version == 0 || version & 0xFFFF != 0 else { throw .bigEndian }
        guard version == 2 || version == 3 else { throw .badVersion(version) }
        metadata = GGUFMetadata(path: file.path)
        let tensorCount: UInt64 = try reader.integer("the number of tensors")
        let pairCount: UInt64 = try reader.integer("the number of metadata pairs")
        // The shortest pair is a key of one byte with a value of one; the shortest tensor has a
        // name of one byte and no dimension.
        let pairs = try Self.count(
            pairCount, of: "metadata pairs", atLeastBytes: 8 + 1 + 4 + 1, reader.remaining,
            limits.maximumPairCount)
        let tensors = try Self.count(
            tensorCount, of: "tensors", atLeastBytes: 8 + 1 + 4 + 4 + 8, reader.remaining,
            limits.maximumTensorCount)
        for _ in 0..<pairs { try readPair(&reader, file, limits) }
        try readAlignment()
        try readTensors(tensors, &reader, fileBytes: bytes.count)
    }

    private static func count(
        _ count: UInt64, of what: String, atLeastBytes: Int, _ remaining: Int, _ maximum: Int
    ) throws(GGUFError.Reason) -> Int {
        let limit = min(remaining / atLeastBytes, maximum)
        guard let result = Int(exactly: count), result <= limit else {
            throw .countTooLarge(of: what, count: count, limit: limit)
        }
        return result
    }

    private mutating func readPair(
        _ reader: inout GGUFReader, _ file: MappedFile, _ limits: GGUFLimits
    ) throws(GGUFError.Reason) {
        let offset = reader.position
        let key = try reader.string("a metadata key")
        guard !key.isEmpty else { throw .emptyKey(offset: offset) }
        guard key.utf8.count <= limits.maximumKeyBytes else {
            throw .stringTooLong(
                offset: offset, bytes: UInt64(key.utf8.count), limit: limits.maximumKeyBytes)
        }
        let number: UInt32 = try reader.integer("the type of '\(key)'")
        guard let type = GGUFValueType(rawValue: number) else {
            throw .unknownValueType(key: key, number: number)
        }
        let value = try readValue(type, key: key, &reader, file)
        guard metadata.appendIfNew(key, value) else { throw .duplicateKey(key) }
    }

    private func readValue(
        _ type: GGUFValueType, key: String, _ reader: inout GGUFReader, _ file: MappedFile
    ) throws(GGUFError.Reason) -> GGUFValue {
        let what = "the value of '\(key)'"
        switch type {
        case .uint8: return .uint8(try reader.integer(what))
        case .int8: return .int8(try reader.integer(what))
        case .uint16: return .uint16(try reader.integer(what))
        case .int16: return .int16(try reader.integer(what))
        case .uint32: return .uint32(try reader.integer(what))
        case .int32: return .int32(try reader.integer(what))
        case .uint64: return .uint64(try reader.integer(what))
        case .int64: return .int64(try reader.integer(what))
        case .float32: return .float32(Float(bitPattern: try reader.integer(what)))
        case .float64: return .float64(Double(bitPattern: try reader.integer(what)))
        case .string: return .string(try reader.string(what))
        case .array: return .array(try readArray(key: key, &reader, file))
        case .bool:
            let byte: UInt8 = try reader.integer(what)
            guard byte <= 1 else { throw .badBool(key: key, byte: byte) }
            return .bool(byte == 1)
        }
    }

    private func readArray(
        key: String, _ reader: inout GGUFReader, _ file: MappedFile
    ) throws(GGUFError.Reason) -> GGUFArray {
        let what = "the array '\(key)'"
        let number: UInt32 = try reader.integer(what)
        guard let type = GGUFValueType(rawValue: number) else {
            throw .unknownValueType(key: key, number: number)
        }
        guard type != .array else { throw .nestedArray(key: key) }
        let claimed: UInt64 = try reader.integer(what)
        let limit = reader.remaining / (type.byteCount ?? 8)
        guard let count = Int(exactly: claimed), count <= limit else {
            throw .arrayTooLong(key: key, count: claimed, limit: limit)
        }
        let start = reader.position
        var starts: [Int] = []
        if let size = type.byteCount {
            try reader.skip(count * size, what)
            if type == .bool {
                for offset in start..<reader.position where reader.byte(at: offset) > 1 {
                    throw .badBool(key: key, byte: reader.byte(at: offset))
                }
            }
        } else {
            starts.reserveCapacity(count)
            for _ in 0..<count {
                let length = try reader.stringLength(what)
                starts.append(reader.position - start)
                try reader.skip(length, what)
            }
        }
        return GGUFArray(
            file: file, range: start..<reader.position, elementType: type, count: count,
            starts: starts)
    }

    private mutating func readAlignment() throws(GGUFError.Reason) {
        guard let value = metadata["general.alignment"] else { return }
        guard case .uint32(let number) = value else { throw .alignmentType(found: value.type) }
        guard number.nonzeroBitCount == 1, number <= 1 << 20 else { throw .badAlignment(number) }
        alignment = Int(number)
    }

    private mutating func readTensors(
        _ count: Int, _ reader: inout GGUFReader, fileBytes: Int
    ) throws(GGUFError.Reason) {
        var infos: [(dtype: DType, shape: [Int], byteCount: Int, offset: UInt64)] = []
        infos.reserveCapacity(count)
        index.reserveCapacity(count)
        for _ in 0..<count { infos.append(try readTensor(&reader)) }
        let dataStart = Self.padded(reader.position, to: alignment) ?? reader.position
        var expected = 0
        var elements = 0
        for (info, name) in zip(infos, index.names) {
            guard let end = Self.padded(expected, info.byteCount, to: alignment),
                Self.padded(dataStart, end, to: 1) != nil
            else { throw .tooManyBytes(tensor: name) }
            // Blocks hold more elements than bytes, so fewer bytes than 63 bits count prove nothing.
            let (sum, overflow) = elements.addingReportingOverflow(info.shape.reduce(1, *))
            guard !overflow else { throw .tooManyElements(tensor: name) }
            elements = sum
            guard info.offset % UInt64(alignment) == 0 else {
                throw .misalignedOffset(tensor: name, offset: info.offset, alignment: alignment)
            }
            guard info.offset >= UInt64(expected) else {
                throw .overlap(tensor: name, offset: info.offset, expected: expected)
            }
            guard info.offset == UInt64(expected) else {
                throw .hole(tensor: name, offset: info.offset, expected: expected)
            }
            let offset = dataStart + expected
            let dataEnd = offset + info.byteCount
            if dataEnd > fileBytes, firstMissing == nil { firstMissing = (name, dataEnd) }
            entries.append(
                Entry(
                    dtype: info.dtype, shape: info.shape, byteCount: info.byteCount,
                    offset: offset))
            expected = end
        }
    }

    private mutating func readTensor(
        _ reader: inout GGUFReader
    ) throws(GGUFError.Reason) -> (dtype: DType, shape: [Int], byteCount: Int, offset: UInt64) {
        let start = reader.position
        let name = try reader.string("a tensor name")
        guard !name.isEmpty else { throw .emptyTensorName(offset: start) }
        guard name.utf8.count <= GGUFLimits.maximumTensorNameBytes else {
            throw .tensorNameTooLong(
                name: name, bytes: name.utf8.count, limit: GGUFLimits.maximumTensorNameBytes)
        }
        guard index.insert(name) else { throw .duplicateTensor(name) }
        let rank: UInt32 = try reader.integer("the dimensions of '\(name)'")
        guard rank <= 4 else { throw .tooManyDimensions(tensor: name, count: rank) }
        var shape: [Int] = []
        // A zero does not excuse sizes whose product overflows without it.
        var elements = 1
        for _ in 0..<rank {
            let size: Int64 = try reader.integer("the dimensions of '\(name)'")
            guard size >= 0 else { throw .negativeDimension(tensor: name, value: size) }
            let (product, overflow) = elements.multipliedReportingOverflow(by: max(1, Int(size)))
            guard !overflow else { throw .tooManyElements(tensor: name) }
            elements = product
            shape.append(Int(size))
        }
        let number: UInt32 = try reader.integer("the type of '\(name)'")
        guard number < 1000, let dtype = DType(rawValue: Int32(number)) else {
            throw .unknownTensorType(
                tensor: name, number: number, name: Self.unsupportedTypes[number])
        }
        let rowLength = shape.first ?? 1
        guard rowLength % dtype.blockElements == 0 else {
            throw .brokenRow(
                tensor: name, rowLength: rowLength, type: dtype.name, block: dtype.blockElements)
        }
        guard let fullCount = dtype.byteCount(elements: elements) else {
            throw .tooManyBytes(tensor: name)
        }
        let byteCount = shape.contains(0) ? 0 : fullCount
        let offset: UInt64 = try reader.integer("the offset of '\(name)'")
        // The format names the innermost dimension first.
        return (dtype, shape.reversed(), byteCount, offset)
    }

    /// Types that ggml has or had (`enum ggml_type`) and that occur in no file to be used here.
    private static let unsupportedTypes: [UInt32: String] = [
        4: "Q4_2", 5: "Q4_3", 9: "Q8_1", 15: "Q8_K", 31: "Q4_0_4_4", 32: "Q4_0_4_8",
        33: "Q4_0_8_8", 36: "IQ4_NL_4_4", 37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8",
    ]

    /// The sum, rounded up to a multiple of a power of two; nil if it overflows.
    static func padded(_ a: Int, _ b: Int = 0, to alignment: Int) -> Int? {
        let (sum, overflow) = a.addingReportingOverflow(b)
        let (raised, overflow2) = sum.addingReportingOverflow(alignment - 1)
        return overflow || overflow2 ? nil : raised & ~(alignment - 1)
    }
}

/// What a reader of GGUF accepts before it refuses a file.
public struct GGUFLimits: Sendable, Hashable {
    /// The most metadata pairs.
    public var maximumPairCount: Int
    /// The most tensors.
    public var maximumTensorCount: Int
    /// The longest key, in bytes; the format itself ends at 65,535.
    public var maximumKeyBytes: Int

    /// The longest tensor name, in bytes, by the format.
    static let maximumTensorNameBytes = 64

    public init(
        maximumPairCount: Int = 1 << 16, maximumTensorCount: Int = 1 << 20,
        maximumKeyBytes: Int = 65_535
    ) {
        self.maximumPairCount = maximumPairCount
        self.maximumTensorCount = maximumTensorCount
        self.maximumKeyBytes = maximumKeyBytes
    }

    public static let `default` = GGUFLimits()
}
