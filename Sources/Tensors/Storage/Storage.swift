/// The bytes of one or more tensors: owned memory or part of a mapped file.
///
/// Storage is written only by the operation that creates it and is immutable afterwards, which
/// is why it may be shared freely.
public final class Storage: @unchecked Sendable {
    /// The first byte; aligned to 64 when owned.
    package let pointer: UnsafeMutableRawPointer
    public let byteCount: Int
    private let capacity: Int
    private let owner: AnyObject?

    /// Allocates uninitialised memory from the scratch pool.
    package init(byteCount: Int) {
        (pointer, capacity) = ScratchPool.shared.allocate(byteCount)
        self.byteCount = byteCount
        owner = nil
    }

    /// Refers to memory that `owner` keeps alive.
    package init(
        borrowing pointer: UnsafeMutableRawPointer, byteCount: Int, owner: AnyObject
    ) {
        self.pointer = pointer
        self.byteCount = byteCount
        self.owner = owner
        capacity = 0
    }

    /// Whether the bytes lie in a mapped file.
    public var isMapped: Bool { owner is MappedFile }

    /// The file the bytes lie in, if any.
    package var mappedFile: MappedFile? { owner as? MappedFile }

    deinit {
        if owner == nil { ScratchPool.shared.release(pointer, capacity: capacity) }
    }
}
