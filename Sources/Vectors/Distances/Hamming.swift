/// Numbers of differing bits.
enum Hamming {
    static func distance(
        _ first: UnsafeRawPointer, _ second: UnsafeRawPointer, _ byteCount: Int
    ) -> Int {
        var count = 0
        var place = 0
        while place + 8 <= byteCount {
            let x = first.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            let y = second.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            count += (x ^ y).nonzeroBitCount
            place += 8
        }
        while place < byteCount {
            let x = first.load(fromByteOffset: place, as: UInt8.self)
            let y = second.load(fromByteOffset: place, as: UInt8.self)
            count += (x ^ y).nonzeroBitCount
            place += 1
        }
        return count
    }

    /// How many bytes differ.
    static func bytes(
        _ first: UnsafeRawPointer, _ second: UnsafeRawPointer, _ byteCount: Int
    ) -> Int {
        var count = 0
        for place in 0..<byteCount
        where first.load(fromByteOffset: place, as: UInt8.self)
            != second.load(fromByteOffset: place, as: UInt8.self)
        {
            count += 1
        }
        return count
    }
}
