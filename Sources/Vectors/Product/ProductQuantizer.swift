/// Codes of parts: a vector is cut into M parts, each replaced by the nearest of 2^b centroids.
///
/// Source: Jégou, Douze, Schmid, "Product quantization for nearest neighbor search", 2011.
///
/// Letters: M parts, K = 2^b centroids of a part, S components of a part.
struct ProductQuantizer: Sendable {
    let dimension: Int
    /// M.
    let partCount: Int
    /// b.
    let bits: Int
    /// `[M, K, S]`; empty before training.
    let centroids: [Float]

    /// K.
    var centroidCount: Int { 1 << bits }
    /// S.
    var partDimension: Int { dimension / partCount }
    /// Bytes of a code.
    var codeSize: Int { (partCount * bits + 7) / 8 }

    init(dimension: Int, partCount: Int, bits: Int, centroids: [Float] = []) {
        precondition(
            partCount > 0 && dimension.isMultiple(of: partCount) && (1...24).contains(bits))
        self.dimension = dimension
        self.partCount = partCount
        self.bits = bits
        self.centroids = centroids
    }

    /// - Parameter isTrained: whether centroids must be there.
    init(
        reading reader: inout IndexReader, _ name: String = "pq", dimension: Int, isTrained: Bool
    ) throws {
        self.dimension = try reader.size(name + ".d", in: dimension...dimension)
        partCount = try reader.size(name + ".M", in: 1...dimension)
        try reader.require(
            dimension.isMultiple(of: partCount), name + ".M", found: partCount,
            expected: "a divisor of \(dimension)")
        bits = try reader.size(name + ".nbits", in: 1...24)
        let start = reader.position
        centroids = try reader.vector(name + ".centroids", of: Float.self)
        let count = try reader.product(name + ".centroids", dimension, 1 << bits)
        guard centroids.count == count || centroids.isEmpty && !isTrained else {
            throw reader.failure(
                name + ".centroids", at: start, found: "\(centroids.count) elements",
                expected: "\(count)")
        }
    }

    func write(to writer: inout IndexWriter) throws {
        try writer.size(dimension)
        try writer.size(partCount)
        try writer.size(bits)
        try writer.vector(centroids)
    }

    /// Distances from each part of a vector to its centroids: `[M, K]`.
    func table(_ vector: [Float], _ metric: Metric) -> [Float] {
        var table = [Float](repeating: 0, count: partCount * centroidCount)
        centroids.withUnsafeBytes { centroids in
            vector.withUnsafeBufferPointer { vector in
                table.withUnsafeMutableBufferPointer { table in
                    guard let centroids = centroids.baseAddress, let vector = vector.baseAddress,
                        let table = table.baseAddress
                    else { return }
                    for part in 0..<partCount {
                        RowDistances.fill(
                            table + part * centroidCount, query: vector + part * partDimension,
                            rows: centroids + part * centroidCount * partDimension * 4,
                            count: centroidCount, dimension: partDimension, metric: metric)
                    }
                }
            }
        }
        return table
    }

    /// The numbers of the nearest centroids.
    func assign(_ vector: [Float]) -> [Int] {
        let table = table(vector, .l2)
        return (0..<partCount).map { part in
            var nearest = 0
            for j in 1..<centroidCount
            where table[part * centroidCount + j] < table[part * centroidCount + nearest] {
                nearest = j
            }
            return nearest
        }
    }

    /// The code of centroid numbers, least significant bits first.
    func pack(_ numbers: some Sequence<some BinaryInteger>) -> [UInt8] {
        var writer = BitWriter(byteCount: codeSize)
        for number in numbers { writer.write(UInt64(number), bits) }
        return writer.bytes
    }

    func encode(_ vector: [Float]) -> [UInt8] { pack(assign(vector)) }

    func decode(_ code: UnsafeRawPointer, into vector: UnsafeMutablePointer<Float>) {
        var reader = BitReader(code, byteCount: codeSize)
        decode(into: vector) { _ in Int(reader.read(bits)) }
    }

    /// The vector made of the centroids that a closure numbers.
    func decode(into vector: UnsafeMutablePointer<Float>, _ number: (Int) -> Int) {
        centroids.withUnsafeBufferPointer { centroids in
            for part in 0..<partCount {
                let source = (part * centroidCount + number(part)) * partDimension
                for i in 0..<partDimension {
                    vector[part * partDimension + i] = centroids[source + i]
                }
            }
        }
    }

    /// A scanner that sums the entries of a table that codes name.
    func scanner(_ table: [Float], offset: Float = 0) -> TableScanner {
        TableScanner(table, self, offset: offset)
    }
}

/// Sums the entries of a table that codes name.
final class TableScanner: CodeScanner {
    private let table: [Float]
    private let partCount: Int
    private let bits: Int
    private let codeSize: Int
    private let offset: Float

    init(_ table: [Float], _ quantizer: ProductQuantizer, offset: Float) {
        self.table = table
        partCount = quantizer.partCount
        bits = quantizer.bits
        codeSize = quantizer.codeSize
        self.offset = offset
    }

    func scan(
        _ codes: UnsafeRawPointer, count: Int, distances: UnsafeMutablePointer<Float>,
        bound: Float
    ) {
        let centroidCount = 1 << bits
        table.withUnsafeBufferPointer { table in
            for i in 0..<count {
                let code = codes + i * codeSize
                var sum = offset
                if bits == 8 {
                    for part in 0..<partCount {
                        let number = Int(code.load(fromByteOffset: part, as: UInt8.self))
                        sum += table[part * 256 + number]
                    }
                } else {
                    var reader = BitReader(code, byteCount: codeSize)
                    for part in 0..<partCount {
                        sum += table[part * centroidCount + Int(reader.read(bits))]
                    }
                }
                distances[i] = sum
            }
        }
    }
}

/// Passes over codes that differ from the query's code in too many bits.
///
/// Source: Douze, Jégou, Perronnin, "Polysemous codes", 2016.
final class PolysemousScanner: CodeScanner {
    private let inner: any CodeScanner
    private let code: [UInt8]
    private let threshold: Int
    private let byBytes: Bool
    private let missing: Float

    init(
        _ inner: any CodeScanner, code: [UInt8], threshold: Int, byBytes: Bool = false,
        _ metric: Metric
    ) {
        self.inner = inner
        self.code = code
        self.threshold = threshold
        self.byBytes = byBytes
        missing = metric.missingDistance
    }

    func scan(
        _ codes: UnsafeRawPointer, count: Int, distances: UnsafeMutablePointer<Float>,
        bound: Float
    ) {
        for i in 0..<count {
            let other = codes + i * code.count
            let difference =
                byBytes
                ? Hamming.bytes(code, other, code.count) : Hamming.distance(code, other, code.count)
            if difference < threshold {
                inner.scan(other, count: 1, distances: distances + i, bound: bound)
            } else {
                distances[i] = missing
            }
        }
    }
}
