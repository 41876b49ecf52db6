/// The bytes of a safetensors file with a given header, right or wrong.
func safetensors(_ header: String, data: [UInt8] = []) -> [UInt8] {
    safetensors(Array(header.utf8), data: data)
}

func safetensors(_ header: [UInt8], data: [UInt8] = []) -> [UInt8] {
    littleEndian(UInt64(header.count)) + header + data
}

func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
}
