import FathomJSON
import FathomTestSupport
import Testing

@Suite("Hostile JSON")
struct JSONFuzzTests {
    static let seed = Array(
        #"""
        {"version": "1.0", "model": {"vocab": {"a": 0, "é": 1, "\u00e9\ud83d\ude00": 2, "b\\": 3,
        "c": 4, "d": 5, "e": 6, "f": 7, "g": 8, "h": 9}, "scores": [-1.5, 2e-3, 0.125, 1e22, 12345678901234567890],
        "merges": [["a", "b"], ["c", "d"]], "flags": [true, false, null, {}, []]}}
        """#.utf8)

    @Test("cutting the text at any byte is an error")
    func truncation() {
        for length in 0..<Self.seed.count {
            #expect(throws: JSONError.self, "cut at \(length)") {
                try JSONValue(parsing: Self.seed.prefix(length))
            }
        }
    }

    @Test("changed bytes give an error or a value that survives a round trip")
    func flippedBytes() throws {
        var generator = SeededGenerator(seed: 11)
        func next() -> [UInt8] {
            var bytes = Self.seed
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<12, using: &generator) {
                case 0: bytes.removeSubrange(position...)
                case 1...3: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 4...6: bytes[position] = UInt8.random(in: 0...255, using: &generator)
                case 7...9: bytes.remove(at: position)
                default: bytes.insert(bytes[position], at: position)
                }
            }
            return bytes
        }
        Fuzzing.run("JSON", count: 4_000, next: next) { bytes in
            do throws(JSONError) {
                let value = try JSONValue(parsing: bytes)
                #expect(String(validating: bytes, as: UTF8.self) != nil)
                #expect(try JSONValue(parsing: value.serialized()) == value)
            } catch {
                #expect((0...bytes.count).contains(error.offset))
            }
        }
    }
}
