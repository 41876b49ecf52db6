import FathomKernels

/// Memory that begins at a cache line, so that rows of whole lines touch no more lines than they
/// have, and in huge pages where the system has them.
final class AlignedMemory: @unchecked Sendable {
    // Written while it is made, and only read afterwards.
    let bytes: UnsafeRawBufferPointer

    /// Bytes of a cache line.
    private static let alignment = 64

    init(copying source: UnsafeRawBufferPointer) {
        let copy = UnsafeMutableRawBufferPointer.allocate(
            byteCount: source.count, alignment: Self.alignment)
        fk_prefer_huge_pages(copy.baseAddress, copy.count)
        copy.copyMemory(from: source)
        bytes = UnsafeRawBufferPointer(copy)
    }

    deinit { bytes.deallocate() }
}
