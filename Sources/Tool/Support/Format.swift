/// Numbers as people read them, the same in every locale.
enum Format {
    /// `98.4 MB`, in powers of ten as disks and file systems count.
    static func bytes(_ count: Int) -> String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
        var value = Double(count)
        var unit = 0
        while value >= 999.5, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\(number(value)) \(units[unit])"
    }

    /// `134.5M`, `6.91B`: a count of parameters.
    static func parameters(_ count: Int) -> String {
        switch count {
        case 1_000_000_000_000...: number(Double(count) / 1e12) + "T"
        case 1_000_000_000...: number(Double(count) / 1e9) + "B"
        case 1_000_000...: number(Double(count) / 1e6) + "M"
        case 1_000...: number(Double(count) / 1e3) + "K"
        default: "\(count)"
        }
    }

    /// Three significant digits, more before the point.
    static func number(_ value: Double) -> String {
        let digits = value.magnitude >= 100 ? 0 : value.magnitude >= 10 ? 1 : 2
        return fixed(value, digits)
    }

    static func seconds(_ value: Double) -> String {
        value < 1 ? "\(number(value * 1000)) ms" : "\(number(value)) s"
    }

    /// A number with a fixed number of digits after the point.
    static func fixed(_ value: Double, _ digits: Int) -> String {
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        // Beyond this, doubles have no digits after the point, and products leave 64 bits.
        guard value.magnitude < 1e18 / Double(scale) else { return "\(value)" }
        let scaled = Int((value.magnitude * Double(scale)).rounded())
        let whole = "\(scaled / scale)"
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return sign + whole }
        let fraction = "\(scaled % scale)"
        let zeros = String(repeating: "0", count: digits - fraction.utf8.count)
        return "\(sign)\(whole).\(zeros)\(fraction)"
    }
}
