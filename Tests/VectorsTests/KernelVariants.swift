import FathomKernels

/// The variants of an operation that this machine can run beside the reference, by name of
/// their level: every level that the operation lists.
func fasterVariants<Function>(
    _ levels: (UnsafeMutablePointer<fk_level>?) -> Int32, _ variant: (fk_level) -> Function?
) -> [(level: String, run: Function)] {
    var listed = [fk_level](repeating: FK_LEVEL_REFERENCE, count: 8)
    let count = Int(levels(&listed))
    return listed.prefix(count).filter {
        $0 != FK_LEVEL_REFERENCE && $0.rawValue <= fk_detected_level().rawValue
    }.compactMap { level in
        variant(level).map { (level: String(cString: fk_level_name(level)), run: $0) }
    }
}
