// Workers that are started before there is a job for them: each has its namespaces and its device driver, knows nothing of any
// job, and serves exactly one. Starting takes longer than running a small job, so that a machine that waits for jobs starts
// them while it waits.
internal import CSpawn
internal import Glibc
internal import Synchronization

/// A worker that waits for the one request that it will get.
struct WarmWorker {
    let child: ChildProcess
    /// The parent's end of the socket over which the request's descriptor goes.
    fileprivate let socket: Int32

    /// Hands the request over and the worker to whoever watches the run.
    /// - Returns: whether the worker was there to take it.
    func begin(_ request: Int32, deadline: ContinuousClock.Instant, control: ChildControl) -> Bool {
        defer { close(socket) }
        child.entrust(to: control, deadline: deadline)
        return assay_send_descriptor(socket, request) == 0
    }

    fileprivate func dismiss() {
        close(socket)
        child.finish()
    }
}

/// The waiting workers of one runner.
final class WarmWorkers: Sendable {
    /// Only the thread that has taken a worker out of the list uses it.
    private struct Idle: @unchecked Sendable {
        let worker: WarmWorker
    }

    private struct State {
        var idle: [Idle] = []
        var starting = 0
        var launcher: SandboxLauncher?
        /// The end of the pipe that wakes the starter; -1 before there is one.
        var bell: Int32 = -1
    }

    /// What the starter's thread shares with the list; it does not keep the list alive.
    private final class Shelf: Sendable {
        let state = Mutex(State())
    }

    private let shelf = Shelf()
    /// How many workers wait when nothing is to do.
    let target: Int
    /// The argument that makes a worker of the run stage wait.
    static let argument = "await-run"

    init(target: Int) {
        self.target = target
    }

    deinit {
        let (idle, bell) = shelf.state.withLock { ($0.idle, $0.bell) }
        if bell >= 0 { close(bell) }
        for entry in idle { entry.worker.dismiss() }
    }

    /// The number of workers that wait.
    var count: Int { shelf.state.withLock { $0.idle.count } }

    /// The worker that has waited longest; `nil` when there is none.
    func take() -> WarmWorker? {
        shelf.state.withLock { $0.idle.isEmpty ? nil : $0.idle.removeFirst().worker }
    }

    /// Has workers started until as many wait as should. One that cannot be started is missed by nobody: a run starts its
    /// own.
    func fill(_ launcher: SandboxLauncher) {
        // Without namespaces a worker confines itself thread by thread, before its driver starts any.
        guard launcher.hasNamespaces, target > 0 else { return }
        let bell: (end: Int32, count: Int) = shelf.state.withLock { state in
            state.launcher = launcher
            if state.bell < 0 { state.bell = Self.startStarter(shelf) }
            guard state.bell >= 0 else { return (-1, 0) }
            let missing = max(0, target - state.idle.count - state.starting)
            state.starting += missing
            return (state.bell, missing)
        }
        guard bell.count > 0 else { return }
        _ = [UInt8](repeating: 1, count: bell.count).withUnsafeBytes {
            assay_write_all(bell.end, $0.baseAddress, $0.count)
        }
    }

    /// The thread that starts every worker. A worker dies with the thread that started it (prctl(2), PR_SET_PDEATHSIG), so
    /// that this one lives as long as the list.
    /// - Returns: the end of the pipe that wakes it, or -1.
    private static func startStarter(_ shelf: Shelf) -> Int32 {
        var ends: [Int32] = [-1, -1]
        guard assay_pipe(&ends) == 0 else { return -1 }
        let bell = ends[0]
        let isStarted = startThread {
            var byte: UInt8 = 0
            while true {
                let count = read(bell, &byte, 1)
                if count < 0 && errno == EINTR { continue }
                guard count == 1 else { break }
                let launcher = shelf.state.withLock { $0.launcher }
                let worker = launcher.flatMap { start($0) }
                shelf.state.withLock { state in
                    state.starting -= 1
                    if let worker { state.idle.append(Idle(worker: worker)) }
                }
            }
            close(bell)
        }
        guard isStarted else {
            close(ends[0])
            close(ends[1])
            return -1
        }
        return ends[1]
    }

    private static func start(_ launcher: SandboxLauncher) -> WarmWorker? {
        var ends: [Int32] = [-1, -1]
        guard assay_socket_pair(&ends) == 0 else { return nil }
        defer { close(ends[1]) }
        let child = try? ChildProcess(
            launcher.launch([argument], folder: nil),
            request: ends[1],
            deadline: .now + .seconds(86_400),
            control: ChildControl()
        )
        guard let child else {
            close(ends[0])
            return nil
        }
        return WarmWorker(child: child, socket: ends[0])
    }
}
