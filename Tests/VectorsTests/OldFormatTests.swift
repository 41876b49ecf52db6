import FathomTestSupport
import FathomVectors
import Testing

@Suite("Older index files")
struct OldFormatTests {
    static let values = FlatSearchTests.values(30 * 2, seed: 61)
    static let centroids: [Float] = [0.2, 0.2, 0.8, 0.8]
    static let lists: [[Int64]] = [Array(0..<12), Array(12..<30)]

    /// Lists whose labels stand before the direct map and whose codes have no type of their own.
    private static func oldInvertedFlat(_ type: String) -> [UInt8] {
        var file = IndexBytes()
        file.type(type)
        file.header(2, count: 30)
        file.add(UInt64(2))
        file.add(UInt64(2))
        file.flat(centroids, 2)
        for list in lists { file.vector(list) }
        file.add(UInt8(0))
        file.vector([Int64]())
        for list in lists {
            let codes = list.flatMap { values[Int($0) * 2..<Int($0) * 2 + 2] }
            if type == "IvFl" {
                file.vector(codes)
            } else {
                file.vector(codes.withUnsafeBytes { Array($0) })
            }
        }
        return file.bytes
    }

    @Test("of inverted lists are read and written as new ones", arguments: ["IvFl", "IvFL"])
    func invertedLists(_ type: String) throws {
        let old = try IndexFile.read(Self.oldInvertedFlat(type))
        var new = IndexBytes()
        new.invertedFlat(Self.values, 2, centroids: Self.centroids, lists: Self.lists)
        // The two differ in the stored number of probes alone.
        let written = try old.bytes()
        let differing = zip(written, new.bytes).filter { $0 != $1 }.count
        #expect(written.count == new.bytes.count && differing == 1)
        let flat = FlatIndex(try VectorRows(Self.values, dimension: 2), metric: .l2)
        let query = try VectorRows([0.4, 0.6], dimension: 2)
        #expect(
            try old.vectorIndex?.search(query, k: 5) == flat.search(query, k: 5))
    }

    @Test("of product codes mean L2 whatever metric they name", arguments: ["IxPQ", "IxPo"])
    func productCodes(_ type: String) throws {
        var file = IndexBytes()
        file.type(type)
        file.header(2, count: 3, .innerProduct)
        for number: UInt64 in [2, 2, 1] { file.add(number) }
        // Each of two parts is 0 or 1.
        file.vector([0, 1, 0, 1] as [Float])
        file.vector([0b00, 0b01, 0b11] as [UInt8])
        if type == "IxPo" {
            file.add(Int32(0))
            file.add(UInt8(0))
            file.add(Int32(0))
        }
        let index = try #require(try IndexFile.read(file.bytes).vectorIndex)
        #expect(index.metric == .l2)
        let found = try index.search(try VectorRows([1, 0.25], dimension: 2), k: 3)
        #expect(found.labels == [1, 2, 0])
        #expect(found.distances == [0.0625, 0.5625, 1.0625])
    }
}
