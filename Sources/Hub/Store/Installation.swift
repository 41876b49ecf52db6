/// The place in the cache that belongs to one repository or one wheel.
///
/// ```
/// models/hub/<owner>/<repository>/refs/<revision>.json      the commit a revision was pulled at
/// models/hub/<owner>/<repository>/snapshots/<commit>.json   manifest: files, sizes, checksums
/// models/hub/<owner>/<repository>/snapshots/<commit>/…      the files
/// models/hub/<owner>/<repository>/parts/…                   unfinished downloads
/// models/wheel/<package>/…                                  the same, a version for a commit
/// locks/…                                                   one empty file an installation
/// ```
///
/// A model exists once its reference does: the reference is written last, by renaming, so a pull
/// that dies leaves parts and perhaps files, never half a model that looks whole.
package struct Installation: Sendable, Hashable {
    /// What an installation is of, without the revision.
    package enum Origin: Sendable, Hashable {
        case hub(owner: String, repository: String)
        case wheel(package: String)

        package init(_ source: ModelSource) {
            switch source {
            case .hub(let name, _): self = .hub(owner: name.owner, repository: name.repository)
            case .pythonWheel(let wheel): self = .wheel(package: wheel.package)
            }
        }
    }

    package let home: String
    package let origin: Origin
    /// The branch, tag or commit of a repository; the version of a wheel.
    package let revision: String

    package init(home: String, source: ModelSource) {
        self.home = home
        origin = Origin(source)
        revision =
            switch source {
            case .hub(let name, _): name.revision
            case .pythonWheel(let wheel): wheel.version
            }
    }

    init(home: String, origin: Origin, revision: String) {
        self.home = home
        self.origin = origin
        self.revision = revision
    }

    var root: String {
        switch origin {
        case .hub(let owner, let repository): "\(home)/models/hub/\(owner)/\(repository)"
        case .wheel(let package): "\(home)/models/wheel/\(package)"
        }
    }

    var partsFolder: String { "\(root)/parts" }
    var snapshotsFolder: String { "\(root)/snapshots" }
    var referencesFolder: String { "\(root)/refs" }
    var referencePath: String { "\(referencesFolder)/\(Self.fileName(of: revision)).json" }
    func snapshotFolder(_ commit: String) -> String { "\(snapshotsFolder)/\(commit)" }
    func manifestPath(_ commit: String) -> String { "\(snapshotsFolder)/\(commit).json" }

    /// Locks live outside the folder they guard, because a lock on a removed file guards nothing.
    var lockPath: String {
        switch origin {
        case .hub(let owner, let repository): "\(home)/locks/hub.\(owner).\(repository).lock"
        case .wheel(let package): "\(home)/locks/wheel.\(package).lock"
        }
    }

    /// A revision as one name of a file. Revisions hold no `+`, so the change can be undone.
    static func fileName(of revision: String) -> String {
        String(revision.map { $0 == "/" ? "+" : $0 })
    }

    static func revision(ofFileName name: String) -> String {
        String(name.map { $0 == "+" ? "/" : $0 })
    }

    /// The place of origin in words.
    var sourceDescription: String {
        switch origin {
        case .hub(let owner, let repository): "the hub repository '\(owner)/\(repository)'"
        case .wheel(let package): "the Python wheel '\(package)' \(revision)"
        }
    }
}
