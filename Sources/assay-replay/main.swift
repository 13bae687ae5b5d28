// The worker that executes replay specs on an OpenCL device, one stage per process. It is started by `SandboxedRunner`; by
// hand only `devices`, `libraries` and `--version` are of use.
import CSandbox
import Glibc
import Replay

let arguments = CommandLine.arguments.dropFirst()
switch arguments.first {
case "--version":
    print("assay-replay protocol 1, replay spec \(ReplaySpec.version)")
case "devices":
    exit(DeviceList.print())
case "libraries":
    exit(LoadedLibraries.print())
case "compile", "run", "simulate":
    guard let stage = WorkerStage(rawValue: arguments.first ?? ""), arguments.count == 1 else { fallthrough }
    StageProcess.perform(stage)
case "await-run":
    // The driver is loaded while nothing of a job is near; the walls go up when the request is there.
    _ = FoundDevice.all()
    guard arguments.count == 1, assay_await_descriptor(WorkerRequest.descriptor) == 0 else { exit(0) }
    StageProcess.perform(.run)
default:
    let usage = "usage: assay-replay devices | libraries | --version\n"
    _ = usage.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    exit(64)
}
