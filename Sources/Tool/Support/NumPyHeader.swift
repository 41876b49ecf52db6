/// What the header of a `.npy` file says of its array.
struct NumPyHeader {
    /// Such as `<f4`.
    let type: String
    let isRowMajor: Bool
    let shape: [Int]
    let dataOffset: Int

    init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
        let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
        guard bytes.count >= 12, bytes.prefix(6).elementsEqual(magic) else {
            throw ToolError("\(path): is no .npy file")
        }
        // Version 1 has a length of two bytes, later ones of four.
        let isShort = bytes[6] == 1
        let length =
            isShort
            ? Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self))
            : Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        let start = isShort ? 10 : 12
        guard (1...3).contains(bytes[6]), length <= bytes.count - start, length <= 1 << 16,
            let text = String(validating: bytes[start..<start + length], as: UTF8.self)
        else {
            throw ToolError("\(path): the header of the .npy file is damaged")
        }
        dataOffset = start + length
        guard let type = Self.value("descr", text), let order = Self.value("fortran_order", text),
            let shape = Self.value("shape", text), type.count >= 2
        else {
            throw ToolError("\(path): the header of the .npy file lacks a field: \(text)")
        }
        self.type = String(type.filter { $0 != "'" && $0 != "\"" })
        isRowMajor = order == "False"
        self.shape = shape.filter { $0 != "(" && $0 != " " }.split(separator: ",").map {
            // A size that is no number fits no data.
            Int($0) ?? -1
        }
        guard self.shape.allSatisfy({ $0 >= 0 }) else {
            throw ToolError("\(path): the .npy file has the shape \(shape)")
        }
    }

    /// The text between a key and the comma or parenthesis that ends its value.
    private static func value(_ key: String, _ text: String) -> String? {
        let parts = text.split(separator: "'\(key)':", maxSplits: 1)
        guard let rest = parts.last, text.contains("'\(key)':") else { return nil }
        let value = rest.drop { $0 == " " }
        return String(value.prefix { value.first == "(" ? $0 != ")" : $0 != "," && $0 != "}" })
    }
}
