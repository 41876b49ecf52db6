import FathomJSON
import FathomTestSupport
import Testing

@Suite("Writing JSON")
struct JSONWritingTests {
    static let sample: JSONValue = [
        "a": [1, 2.5, ["b": [], "c": [:]]], "é": "x\n\u{1}\"\\😀", "n": nil, "t": true,
    ]

    @Test("styles differ in white space only")
    func styles() {
        #expect(
            Self.sample.serialized()
                == #"{"a":[1,2.5,{"b":[],"c":{}}],"é":"x\n\u0001\"\\😀","n":null,"t":true}"#)
        #expect(
            Self.sample.serialized(.python)
                == #"{"a": [1, 2.5, {"b": [], "c": {}}], "é": "x\n\u0001\"\\😀", "n": null, "t": true}"#
        )
        #expect(
            Self.sample.serialized(JSONStyle(escapesNonASCII: true))
                == #"{"a":[1,2.5,{"b":[],"c":{}}],"\u00e9":"x\n\u0001\"\\\ud83d\ude00","n":null,"t":true}"#
        )
        let expected = """
            {
              "a": [
                1,
                2.5,
                {
                  "b": [],
                  "c": {}
                }
              ],
              "é": "x\\n\\u0001\\"\\\\😀",
              "n": null,
              "t": true
            }
            """
        #expect(Self.sample.serialized(.pretty) == expected)
        #expect(
            JSONValue.array([1, [2]]).serialized(.python(indentation: 1))
                == "[\n 1,\n [\n  2\n ]\n]")
    }

    @Test(
        "doubles are laid out as Python's repr",
        arguments: [
            (1.0, "1.0"), (1e15, "1000000000000000.0"), (1e16, "1e+16"), (1e22, "1e+22"),
            (123456789012345680.0, "1.2345678901234568e+17"), (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-10, "1.5e-10"), (.leastNonzeroMagnitude, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (0.1, "0.1"), (100, "100.0"), (-0.0, "-0.0"), (3.14, "3.14"), (-12.5, "-12.5"),
            (0x1p53, "9007199254740992.0"), (1e100, "1e+100"),
            (0.30000000000000004, "0.30000000000000004"),
        ])
    func doubles(value: Double, text: String) {
        #expect(JSONValue.number(value).serialized(.python) == text)
    }

    @Test("numbers JSON cannot hold become null")
    func nonFinite() {
        #expect(JSONValue.array([.number(.nan), .number(.infinity)]).serialized() == "[null,null]")
    }

    @Test("what is written reads back the same")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            let value = Self.randomValue(&generator, depth: 0)
            for style in [JSONStyle.compact, .pretty, .python, JSONStyle(escapesNonASCII: true)] {
                #expect(try JSONValue(parsing: value.serialized(style)) == value)
            }
        }
    }

    @Test("deep values are written without recursion")
    func deep() {
        var value = JSONValue.integer(1)
        for _ in 0..<5_000 { value = .array([value]) }
        let text = value.serialized()
        #expect(text.utf8.count == 10_001)
    }

    static func randomValue(_ generator: inout SeededGenerator, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth < 4 ? 8 : 6), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2: return .integer(Int(truncatingIfNeeded: generator.next()))
        case 3:
            let double = Double(bitPattern: generator.next())
            return .number(double.isFinite ? double : 0.5)
        case 4, 5: return .string(randomText(&generator))
        case 6:
            return .array(
                (0..<Int.random(in: 0..<5, using: &generator)).map { _ in
                    randomValue(&generator, depth: depth + 1)
                })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0..<14, using: &generator) {
                object[randomText(&generator)] = randomValue(&generator, depth: depth + 1)
            }
            return .object(object)
        }
    }

    static func randomText(_ generator: inout SeededGenerator) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0..<12, using: &generator) {
            let limits: [UInt32] = [0x20, 0x80, 0x800, 0x1_0000, 0x11_0000]
            let limit = limits[Int.random(in: 0..<5, using: &generator)]
            if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &generator)) {
                text.append(scalar)
            }
        }
        return String(text)
    }
}
