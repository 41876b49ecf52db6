import FathomJSON
import FathomVectors
import Testing

@Suite("Ranges of scalar quantizers")
struct ScalarRangeTests {
    @Test("are those of Faiss for every statistic")
    func statistics() throws {
        let rows = try TrainingFixture.rows("xt")
        let cases = try #require(try TrainingFixture.json("ranges").arrayValue)
        #expect(cases.count == 20)
        for entry in cases {
            let type = Int32(try #require(entry["qtype"]?.intValue))
            let statistic = Int32(try #require(entry["rangestat"]?.intValue))
            let kind = try #require(ScalarQuantizer.Kind(rawValue: type))
            let expected = try #require(entry["trained"]?.arrayValue).compactMap(\.doubleValue)
            let found = try ScalarQuantizer.ranges(
                of: rows, kind: kind, statistic: statistic,
                argument: Float(entry["arg"]?.doubleValue ?? 0))
            try #require(found.count == expected.count)
            for (value, wanted) in zip(found, expected) {
                #expect(
                    abs(Double(value) - wanted) <= 1e-4 * max(1, abs(wanted)),
                    "type \(type), statistic \(statistic): \(value) for \(wanted)")
            }
        }
        #expect(throws: TrainingError.self) {
            try ScalarQuantizer.ranges(of: rows, kind: .eightBit, statistic: 9, argument: 0)
        }
    }
}
