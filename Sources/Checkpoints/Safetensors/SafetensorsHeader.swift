import FathomJSON
import FathomTensors

/// The tensors and metadata of a safetensors file, checked against the file's length.
struct SafetensorsHeader: Sendable {
    /// Where a tensor lies in the file, and its type and shape.
    struct Entry: Sendable {
        var dtype: DType
        /// Its sizes are `sizes[firstSize..<firstSize + rank]`.
        var firstSize: Int
        var rank: Int
        /// Relative to the start of the data while the header is read, then to that of the file.
        var begin: Int
        var end: Int
    }

    private(set) var index = NameIndex()
    private(set) var entries: [Entry] = []
    private(set) var sizes: [Int] = []
    private(set) var metadata: [(key: String, value: String)] = []

    /// Reads the header of a whole file.
    ///
    /// The text is scanned once in place, without recursion and without a tree of values, so that
    /// the cost of a hostile header stays below its own size.
    init(
        file: UnsafeBufferPointer<UInt8>, limits: SafetensorsLimits
    ) throws(SafetensorsError.Reason) {
        guard file.count >= 8 else { throw .fileTooSmall(bytes: file.count) }
        var length: UInt64 = 0
        for position in (0..<8).reversed() { length = length << 8 | UInt64(file[position]) }
        guard length <= UInt64(limits.maximumHeaderBytes) else {
            throw .headerTooLarge(bytes: length, limit: limits.maximumHeaderBytes)
        }
        let headerBytes = Int(length)
        guard headerBytes <= file.count - 8 else {
            throw .badHeaderLength(bytes: length, fileBytes: file.count)
        }
        guard headerBytes >= 2 else { throw .headerTooShort(bytes: headerBytes) }
        guard file[8] == UInt8(ascii: "{") else { throw .headerStart(found: file[8]) }
        let text = UnsafeBufferPointer(rebasing: file[8..<8 + headerBytes])
        if text.contains(where: { $0 >= 0x80 }), String(validating: text, as: UTF8.self) == nil {
            throw .invalidUTF8
        }
        var scanner = SafetensorsScanner(text: text)
        try readTensors(&scanner, limits)
        try placeTensors(dataStart: 8 + headerBytes, dataBytes: file.count - 8 - headerBytes)
    }

    private mutating func readTensors(
        _ scanner: inout SafetensorsScanner, _ limits: SafetensorsLimits
    ) throws(SafetensorsError.Reason) {
        var hasMetadata = false
        try scanner.expect("{")
        if try !scanner.skip("}") {
            repeat {
                let name = try scanner.string(maximumBytes: limits.maximumNameBytes)
                try scanner.expect(":")
                if name == "__metadata__" {
                    guard !hasMetadata else { throw .duplicateKey(name) }
                    hasMetadata = true
                    try readMetadata(&scanner)
                    continue
                }
                guard entries.count < limits.maximumTensorCount else {
                    throw .tooManyTensors(limit: limits.maximumTensorCount)
                }
                guard index.insert(name) else { throw .duplicateKey(name) }
                entries.append(try readEntry(&scanner, name: name, limits))
            } while try scanner.separator(orEnd: "}")
        }
        try scanner.expectEnd()
    }

    private mutating func readMetadata(
        _ scanner: inout SafetensorsScanner
    ) throws(SafetensorsError.Reason) {
        var keys = NameIndex()
        try scanner.expect("{")
        if try scanner.skip("}") { return }
        repeat {
            let key = try scanner.string()
            try scanner.expect(":")
            guard keys.insert(key) else { throw .duplicateKey(key) }
            metadata.append((key, try scanner.string()))
        } while try scanner.separator(orEnd: "}")
    }

    private mutating func readEntry(
        _ scanner: inout SafetensorsScanner, name: String, _ limits: SafetensorsLimits
    ) throws(SafetensorsError.Reason) -> Entry {
        var dtype: DType?
        var rank: Int?
        var range: (begin: Int, end: Int)?
        let firstSize = sizes.count
        try scanner.expect("{")
        if try !scanner.skip("}") {
            repeat {
                let field = try scanner.field()
                try scanner.expect(":")
                switch field {
                case .dtype where dtype == nil:
                    dtype = try scanner.type(tensor: name)
                case .shape where rank == nil:
                    try scanner.expect("[")
                    if try !scanner.skip("]") {
                        repeat {
                            guard sizes.count - firstSize < limits.maximumRank else {
                                throw .rankTooHigh(tensor: name, limit: limits.maximumRank)
                            }
                            sizes.append(try scanner.number())
                        } while try scanner.separator(orEnd: "]")
                    }
                    rank = sizes.count - firstSize
                case .dataOffsets where range == nil:
                    try scanner.expect("[")
                    let begin = try scanner.number()
                    try scanner.expect(",")
                    let end = try scanner.number()
                    try scanner.expect("]")
                    range = (begin, end)
                default:
                    throw .badField(tensor: name, field: field.name)
                }
            } while try scanner.separator(orEnd: "}")
        }
        guard let dtype else { throw .missingField(tensor: name, field: "dtype") }
        guard let rank else { throw .missingField(tensor: name, field: "shape") }
        guard let range else { throw .missingField(tensor: name, field: "data_offsets") }
        guard range.begin <= range.end else {
            throw .reversedOffsets(tensor: name, begin: range.begin, end: range.end)
        }
        let shape = sizes[firstSize..<firstSize + rank]
        guard let bytes = Self.byteCount(shape, dtype) else {
            throw .sizeOverflow(tensor: name, shape: Array(shape))
        }
        guard range.end - range.begin == bytes else {
            throw .sizeMismatch(
                tensor: name, rangeBytes: range.end - range.begin, neededBytes: bytes)
        }
        return Entry(
            dtype: dtype, firstSize: firstSize, rank: rank, begin: range.begin, end: range.end)
    }

    /// The bytes of a tensor, or nil where a size is negative or the product overflows.
    ///
    /// Stricter than the reference, which multiplies from the left: a zero does not excuse sizes
    /// whose product overflows without it, so that no later product of some of them can.
    static func byteCount(_ shape: some Sequence<Int>, _ dtype: DType) -> Int? {
        var elements = 1
        var isEmpty = false
        for size in shape {
            if size == 0 { isEmpty = true }
            let (product, overflow) = elements.multipliedReportingOverflow(by: max(1, size))
            if overflow || size < 0 { return nil }
            elements = product
        }
        let bytes = dtype.byteCount(elements: elements)
        return isEmpty && bytes != nil ? 0 : bytes
    }

    /// Checks that the tensors cover the data without overlap, hole or rest.
    private mutating func placeTensors(
        dataStart: Int, dataBytes: Int
    ) throws(SafetensorsError.Reason) {
        var order = Array(entries.indices)
        let before = { (a: Entry, b: Entry) in (a.begin, a.end) < (b.begin, b.end) }
        let isSorted = zip(entries, entries.dropFirst()).allSatisfy { !before($1, $0) }
        if !isSorted { order.sort { before(entries[$0], entries[$1]) } }
        var covered = 0
        for position in order {
            let (begin, end) = (entries[position].begin, entries[position].end)
            let name = index.names[position]
            guard begin >= covered else {
                throw .overlap(tensor: name, begin: begin, previousEnd: covered)
            }
            guard begin == covered else {
                throw .hole(tensor: name, begin: begin, previousEnd: covered)
            }
            guard end <= dataBytes else {
                throw .dataCutShort(tensor: name, neededBytes: end, foundBytes: dataBytes)
            }
            covered = end
            entries[position].begin = dataStart + begin
            entries[position].end = dataStart + end
        }
        guard covered == dataBytes else { throw .trailingBytes(dataBytes - covered) }
        if !isSorted { sortByPlace(order) }
    }

    private mutating func sortByPlace(_ order: [Int]) {
        var sorted = NameIndex()
        sorted.reserveCapacity(order.count)
        for position in order { _ = sorted.insert(index.names[position]) }
        index = sorted
        entries = order.map { entries[$0] }
    }
}

/// What a reader of safetensors accepts before it refuses a file.
public struct SafetensorsLimits: Sendable, Hashable {
    /// The longest header. The format itself ends at 100,000,000 bytes; the header of a model with
    /// 100,000 tensors takes about 15 million.
    public var maximumHeaderBytes: Int
    /// The most tensors of one file.
    public var maximumTensorCount: Int
    /// The longest name, in bytes of UTF-8.
    public var maximumNameBytes: Int
    /// The most dimensions of one tensor.
    public var maximumRank: Int

    public init(
        maximumHeaderBytes: Int = 64 << 20, maximumTensorCount: Int = 1_000_000,
        maximumNameBytes: Int = 4096, maximumRank: Int = 8
    ) {
        self.maximumHeaderBytes = min(maximumHeaderBytes, 100_000_000)
        self.maximumTensorCount = maximumTensorCount
        self.maximumNameBytes = maximumNameBytes
        self.maximumRank = maximumRank
    }

    /// 64 MiB of header, a million tensors, names of 4096 bytes, 8 dimensions.
    public static let `default` = SafetensorsLimits()
}
