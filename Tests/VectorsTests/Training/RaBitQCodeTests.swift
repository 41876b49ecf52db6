import FathomJSON
import FathomVectors
import Testing

@Suite("RaBitQ codes")
struct RaBitQCodeTests {
    @Test("Works when 12: are those of Faiss to the bit, for one to nine bits a component")
    func codes() throws {
        let cases = try #require(try TrainingFixture.json("rabitq")["cases"]?.arrayValue)
        #expect(cases.count == 36)
        for entry in cases {
            let dimension = try #require(entry["dimension"]?.intValue)
            let bits = try #require(entry["bits"]?.intValue)
            let metric: Metric = entry["metric"]?.stringValue == "ip" ? .innerProduct : .l2
            let expected = entry["codes"]?.arrayValue?.compactMap(\.stringValue) ?? []
            #expect(expected.count == 6)
            func cut(_ rows: VectorRows, _ count: Int) throws -> VectorRows {
                try VectorRows(
                    (0..<count).flatMap { rows.row($0).prefix(dimension) }, dimension: dimension)
            }
            let training = try TrainingFixture.rows("xt")
            var builder = try IndexBuilder(
                IndexDescription("RaBitQ\(bits)", dimension: dimension, metric: metric))
            try builder.train(cut(training, training.count))
            let index = try builder.finished()
            let codes = try index.encode(cut(TrainingFixture.rows("xb"), 6))
            let size = try #require(index.codeByteCount)
            for (row, code) in expected.enumerated() {
                let found = codes[row * size..<(row + 1) * size].map { byte in
                    String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
                }.joined()
                #expect(found == code, "\(bits) bits of \(dimension), \(metric), vector \(row)")
            }
        }
    }
}
