import FathomTestSupport
import FathomVectors
import Testing

/// "Works when" 8: codes of components of their own.
@Suite("Scalar codes")
struct ScalarCodeTests {
    @Test(
        "Works when 8: inside the range a component comes back to half a step",
        arguments: [("SQ8", 255.0), ("SQ6", 63), ("SQ4", 15)])
    func halfAStep(_ factory: String, _ steps: Double) throws {
        let rows = try BuiltIndex(count: 300, dimension: 12).rows
        var builder = try IndexBuilder(IndexDescription(factory, dimension: 12))
        try builder.train(rows)
        let index = try builder.finished()
        let decoded = try index.decode(try index.encode(rows))
        var largest = 0.0
        for column in 0..<12 {
            let values = (0..<rows.count).map { Double(rows.row($0)[column]) }
            let span = (values.max() ?? 0) - (values.min() ?? 0)
            for (row, value) in values.enumerated() {
                let off = abs(Double(decoded.row(row)[column]) - value)
                #expect(off <= span / steps / 2 + 0x1p-21 * abs(value))
                largest = max(largest, off / (span / steps))
            }
        }
        // The bound is reached: steps are no finer than they are said to be.
        #expect(largest > 0.45)
    }

    @Test("Works when 8: codes are the bytes of Faiss")
    func bytes() throws {
        let file = try Fixtures.bytes("faiss/sq8_rs_minmax/index.faiss")
        let index = try #require(try IndexFile.read(file).vectorIndex)
        let rows = try FaissVectors.first("E")
        #expect(index.count == 200 && index.codeByteCount == 20)
        // The codes of the 200 vectors that were added end the file.
        #expect(try index.encode(rows) == Array(file.suffix(200 * 20).prefix(rows.count * 20)))
    }
}
