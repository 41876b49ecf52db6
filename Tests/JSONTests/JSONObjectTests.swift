import FathomJSON
import FathomTestSupport
import Testing

@Suite("JSON objects")
struct JSONObjectTests {
    @Test("behave as a list of pairs and a dictionary at every size")
    func againstDictionary() {
        var generator = SeededGenerator(seed: 3)
        var object = JSONObject()
        var expected: [(key: String, value: JSONValue)] = []
        for step in 0..<4_000 {
            let key = "key \(Int.random(in: 0..<300, using: &generator))"
            let position = expected.firstIndex { $0.key == key }
            if Bool.random(using: &generator) || step % 7 == 0 {
                object[key] = .integer(step)
                if let position {
                    expected[position].value = .integer(step)
                } else {
                    expected.append((key, .integer(step)))
                }
            } else if step > 2_000 {
                object[key] = nil
                if let position { expected.remove(at: position) }
            }
            #expect(object[key] == expected.first { $0.key == key }?.value)
        }
        #expect(object.keys == expected.map(\.key))
        #expect(object.values == expected.map(\.value))
        #expect(object.count == expected.count)
    }

    @Test("of equal keys the last value stays at the place of the first")
    func lastWins() {
        let object = JSONObject([("a", 1), ("b", 2), ("a", 3)])
        #expect(object.keys == ["a", "b"])
        #expect(object["a"] == 3)
    }

    @Test("equality sees the order")
    func order() {
        #expect(JSONObject([("a", 1), ("b", 2)]) != JSONObject([("b", 2), ("a", 1)]))
        #expect(JSONObject([("a", 1), ("b", 2)]) == ["a": 1, "b": 2])
    }
}
