extension ScalarQuantizer {
    /// The lower ends of the ranges of some vectors, then their widths.
    ///
    /// - Parameter statistic: how ranges are found, by Faiss's number.
    /// - Throws: `TrainingError` for an unknown statistic, and without vectors.
    package static func ranges(
        of rows: VectorRows, kind: Kind, statistic: Int32, argument: Float
    ) throws(TrainingError) -> [Float] {
        guard let statistic = RangeStatistic(rawValue: statistic) else {
            throw .badSetting("statistic", found: "\(statistic)", expected: "from 0 to 3")
        }
        var codec = ScalarCodec(
            dimension: rows.dimension, kind: kind, statistic: statistic, argument: argument)
        try codec.train(rows, BuildWork())
        return codec.quantizer.trained
    }
}
