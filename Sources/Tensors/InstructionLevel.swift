import FathomKernels

/// Which instructions the kernels use on this machine.
public enum InstructionLevel {
    /// The level in use: `avx512vnni`. `FATHOM_LEVEL` may lower it.
    public static var active: String { String(cString: fk_level_name(fk_active_level())) }

    /// The highest level this machine has.
    public static var detected: String { String(cString: fk_level_name(fk_detected_level())) }

    /// Why the matrix unit (AMX) is not in use; `nil` where it is.
    public static var matrixUnitAbsence: String? {
        let reason = String(cString: fk_amx_absence())
        return reason.isEmpty ? nil : reason
    }
}
