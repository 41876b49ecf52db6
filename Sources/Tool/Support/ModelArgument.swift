import FathomHub

/// What a MODEL argument leads to.
enum ModelArgument {
    /// The model used when none is named.
    static let standard = Catalogue.defaultName

    /// The path of a model, fetched first if it is a name that is not on this machine.
    static func path(_ model: String) async throws -> String {
        let store = try ModelStore()
        if let location = try store.localModel(model) { return location.path }
        if let location = try store.locate(model) { return location.path }
        return try await ProgressLine.pull(model, from: store).path
    }

    /// The path of a model on this machine; nothing is fetched.
    static func localPath(_ model: String) throws -> String {
        let store = try ModelStore()
        if let location = try store.localModel(model) { return location.path }
        if let location = try store.locate(model) { return location.path }
        throw ToolError("\(model): not on this machine; `fathom pull \(model)` fetches it")
    }
}
