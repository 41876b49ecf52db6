#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An unfinished download and what must not have changed for it to go on.
///
/// The content is in `NAME.part`, the conditions in `NAME.json` beside it. Conditions are written
/// before the first byte, so content without conditions is of unknown origin and thrown away.
struct PartialFile {
    /// What identified the content when its first byte came.
    struct Conditions: Codable, Equatable {
        /// The strong entity tag of the server that sent the bytes.
        var entityTag: String?
        /// The entity tag the hub gave for the content behind its redirect.
        var hubEntityTag: String?
        /// The checksum the listing promised.
        var checksum: String?
        /// The length of the whole content.
        var bytes: Int64?

        /// Whether something identifies the content; a length alone does not.
        var identifiesContent: Bool {
            entityTag != nil || hubEntityTag != nil || checksum != nil
        }
    }

    let contentPath: String
    let conditionsPath: String

    /// - Parameter key: Names the content, as one component of a path.
    init(folder: String, key: String) {
        contentPath = "\(folder)/\(key).part"
        conditionsPath = "\(folder)/\(key).json"
    }

    func conditions() throws(HubError) -> Conditions? {
        guard let bytes = try Folders.read(conditionsPath, limit: 65_536) else { return nil }
        return try? JSONDecoder().decode(Conditions.self, from: Data(bytes))
    }

    func write(_ conditions: Conditions) throws(HubError) {
        try JSONFile.write(conditions, to: conditionsPath)
    }

    /// Throws content and conditions away.
    func discard() throws(HubError) {
        try Folders.removeFile(contentPath)
        try Folders.removeFile(conditionsPath)
    }

    /// Gives the content its final name; it must be whole, verified and synced.
    func publish(as path: String) throws(HubError) {
        try Folders.publish(contentPath, as: path)
        try Folders.removeFile(conditionsPath)
    }
}
