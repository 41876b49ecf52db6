import FathomJSON
import Testing

@Suite("Reading JSON")
struct JSONReadingTests {
    @Test("reads every kind of value and keeps the order of keys")
    func kinds() throws {
        let value = try JSONValue(
            parsing: #" {"z": null, "a": [true, false, 1, -2, 1.5, "x"], "m": {"n": {}}} "#)
        let object = try #require(value.objectValue)
        #expect(object.keys == ["z", "a", "m"])
        #expect(value["a"] == [true, false, 1, -2, 1.5, "x"])
        #expect(value["m"]?["n"] == [:])
        #expect(value["z"] == .null)
        #expect(value["absent"] == nil)
        #expect(value["a"]?[6] == nil)
        #expect(value["a"]?[-1] == nil)
    }

    @Test(
        "refuses what RFC 8259 does not allow, at the right place",
        arguments: [
            ("", 0), ("   ", 3), ("[1,]", 3), ("[,1]", 1), ("{\"a\":1,}", 7), ("{,}", 1),
            ("[1 2]", 3), ("1 2", 2), ("[1]]", 3), ("{\"a\" 1}", 5), ("{\"a\":}", 5), ("{1:2}", 1),
            ("{a:1}", 1), ("['a']", 1), ("nul", 0), ("True", 0), ("NaN", 0), ("Infinity", 0),
            ("-Infinity", 1), ("[1,NaN]", 3), ("01", 0), ("-01", 1), ("00", 0), ("1.", 2),
            (".5", 0), ("+1", 0), ("-", 1), ("1e", 2), ("1e+", 3), ("0x10", 1), ("1_000", 1),
            ("[1e400]", 1), ("-1e999999999999999999999", 0), ("\"abc", 4), ("\"a\nb\"", 2),
            ("\"\u{0}\"", 1), ("\"\u{1F}\"", 1), (#""\x41""#, 1), (#""\u12G4""#, 5),
            (#""\ud800""#, 1), (#""\ud800x""#, 1), (#""\ud800\n""#, 1), (#""\ud800\ud800""#, 1),
            (#""\udc00\ud800""#, 1), ("\u{FEFF}1", 0), ("// c\n1", 0), ("/**/1", 0), ("[", 1),
            ("{\"a\":1", 6), ("[[[", 3), ("]", 0), ("\u{A0}1", 0),
        ])
    func refusals(text: String, offset: Int) {
        #expect(throws: JSONError.self, "\(text.debugDescription) was accepted") {
            try JSONValue(parsing: text)
        }
        do throws(JSONError) {
            _ = try JSONValue(parsing: text)
        } catch {
            #expect(error.offset == offset, "\(text.debugDescription): \(error)")
        }
    }

    @Test("refuses a key that appears twice, in small and in large objects")
    func duplicateKeys() {
        for count in [2, 8, 9, 100, 1000] {
            let pairs = (0..<count).map { "\"k\($0)\":\($0)" }
            let text = "{" + pairs.joined(separator: ",") + ",\"k1\":0}"
            do throws(JSONError) {
                _ = try JSONValue(parsing: text)
                Issue.record("an object of \(count) keys accepted the key 'k1' twice")
            } catch {
                #expect(error.reason == .duplicateKey("k1"))
            }
        }
    }

    @Test("tells keys apart by their bytes, not by canonical equivalence")
    func canonicallyEquivalentKeys() throws {
        let value = try JSONValue(
            parsing: #"{"\u00e9": 1, "e\u0301": 2, "\u212b": 3, "\u00c5": 4}"#)
        #expect(value.objectValue?.count == 4)
        #expect(value["e\u{301}"] == 2)
        #expect(value["\u{E9}"] == 1)
    }

    @Test(
        "refuses bytes that are not UTF-8",
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF],
            [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x28, 0x80],
        ] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) {
        do throws(JSONError) {
            _ = try JSONValue(parsing: Array("[\"ab".utf8) + bytes + Array("\"]".utf8))
            Issue.record("accepted \(bytes)")
        } catch {
            #expect(error.reason == .invalidUTF8)
            #expect(error.offset == 4)
        }
    }

    @Test("reads escapes and characters of every length")
    func strings() throws {
        let value = try JSONValue(
            parsing: #"["\"\\\/\b\f\n\r\t", "\u0041\u00e9\u20AC\ud83d\uDE00", "Aé€😀", "\u0000"]"#)
        #expect(value[0] == "\"\\/\u{8}\u{C}\n\r\t")
        #expect(value[1] == "Aé€😀")
        #expect(value[2] == "Aé€😀")
        #expect(value[3] == "\0")
    }

    @Test("finds the end of a string at every distance from a word boundary")
    func stringLengths() throws {
        for length in 0..<40 {
            let text = String(repeating: "x", count: length)
            for tail in ["", "é", "\\n", "😀y"] {
                let value = try JSONValue(parsing: "[\"\(text)\(tail)\", 1]")
                let expected = text + (tail == "\\n" ? "\n" : tail)
                #expect(value[0]?.stringValue == expected)
                #expect(value[1] == 1)
            }
        }
    }

    @Test("numbers keep their value: integers where they fit, doubles to the last bit")
    func numbers() throws {
        let cases: [(String, JSONValue)] = [
            ("0", 0), ("-0", 0), ("9223372036854775807", .integer(.max)),
            ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .number(0x1p63)),
            ("-9223372036854775809", .number(-0x1p63)), ("1.0", .number(1)), ("1e2", .number(100)),
            ("0.1", .number(0.1)), ("-0.0", .number(-0.0)),
            ("123456789012345678901234567890", 1.2345678901234568e29),
            ("1e22", .number(1e22)), ("1e23", .number(1e23)),
            ("9007199254740993.0", .number(0x1p53)),
            ("5e-324", .number(.leastNonzeroMagnitude)),
            ("1e-400", .number(0)), ("1.7976931348623157e308", .number(.greatestFiniteMagnitude)),
            ("0.000001E+6", .number(1)),
        ]
        for (text, expected) in cases {
            #expect(try JSONValue(parsing: text) == expected, "\(text)")
        }
    }

    @Test("limits bound depth, bytes and values")
    func limits() throws {
        let limits = JSONLimits(maximumDepth: 3, maximumBytes: 40, maximumElements: 5)
        _ = try JSONValue(parsing: "[[[1]],2]", limits: limits)
        func reason(_ text: String) -> JSONError.Reason? {
            do throws(JSONError) {
                _ = try JSONValue(parsing: text, limits: limits)
                return nil
            } catch {
                return error.reason
            }
        }
        #expect(reason("[[[[1]]]]") == .tooDeep(limit: 3))
        #expect(reason("[1,2,3,4,5]") == .tooManyElements(limit: 5))
        #expect(
            reason(String(repeating: " ", count: 41)) == .tooLarge(bytes: 41, limit: 40))
    }

    @Test("100 000 brackets are refused without recursion")
    func deepNesting() {
        for bracket in ["[", "{\"a\":"] {
            let text = String(repeating: bracket, count: 100_000)
            #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        }
    }

    @Test("an error names line, column and what was expected")
    func description() {
        do throws(JSONError) {
            _ = try JSONValue(parsing: "{\n  \"a\": [1,\n    ]\n}")
            Issue.record("accepted")
        } catch {
            #expect("\(error)" == "line 3, column 5 (byte 17): found ']', expected a value")
        }
    }
}
