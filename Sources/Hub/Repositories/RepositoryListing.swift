#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The files of a repository at one commit.
package struct RepositoryListing: Sendable, Equatable {
    package struct File: Sendable, Equatable {
        package let path: String
        /// Nothing when the server did not say.
        package let bytes: Int64?
        package let checksum: Checksum?
    }

    /// Pins every later request, so that a push in between cannot mix two versions.
    package let commit: String
    package let files: [File]

    /// Reads the hub's answer to `/api/models/REPOSITORY/revision/REVISION?blobs=true`.
    package init(_ json: [UInt8], repository: String) throws(HubError) {
        let answer: Answer
        do {
            answer = try JSONDecoder().decode(Answer.self, from: Data(json))
        } catch {
            throw .malformedResponse(
                file: repository, reason: "the list of files is not the hub's JSON")
        }
        // A commit becomes the name of a folder.
        guard (7...64).contains(answer.sha.utf8.count),
            answer.sha.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) })
        else {
            throw .malformedResponse(
                file: repository, reason: "its commit \(quoted(answer.sha)) is not one")
        }
        commit = answer.sha
        files = answer.siblings.map { sibling in
            let bytes = sibling.lfs?.size ?? sibling.size
            return File(
                path: sibling.rfilename, bytes: bytes.flatMap { $0 >= 0 ? $0 : nil },
                checksum: sibling.lfs == nil
                    ? Checksum(gitBlob: sibling.blobId) : Checksum(sha256: sibling.lfs?.sha256))
        }
    }

    private struct Answer: Decodable {
        let sha: String
        let siblings: [Sibling]

        struct Sibling: Decodable {
            let rfilename: String
            let size: Int64?
            let blobId: String?
            let lfs: LargeFile?
        }

        struct LargeFile: Decodable {
            let size: Int64?
            let sha256: String?
        }
    }
}
