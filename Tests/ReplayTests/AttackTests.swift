// Hostile kernels through the real worker, with admission switched off: whatever they do, this process goes on and the outcome
// blames nobody. Where admission can see the attack it is also shown to refuse it.
import Codecs
import Foundation
import Testing

@testable import Replay

@Suite(.serialized) struct AttackTests {
    /// Lies in this process's memory and environment; must never come out of a worker.
    static let secret = "a secret that no worker may see 7d0c5a"

    struct Attack: Sendable, CustomTestStringConvertible {
        let name: String
        let source: String
        /// The rule by which admission refuses it; `nil` where only a run shows it.
        var rule: AdmissionFault.Rule?
        /// The reasons that are right for a failure.
        var reasons: Set<RunFailure.Reason> = [.crashed]
        /// Whether the attack may also go unnoticed: what it reads or computes is its own.
        var mayComplete = false
        var wallSeconds: Int64 = 60
        var compileSeconds: Int64 = 60
        var testDescription: String { name }
    }

    static let attacks: [Attack] = [
        Attack(name: "write far out of bounds", source: source("c[(ulong)1 << 40] = 1;")),
        Attack(name: "read just out of bounds", source: source("c[i] = a[i + 64];"), mayComplete: true),
        Attack(
            name: "call a library function",
            source: "int getpid(void);\n" + source("c[i] = getpid();"),
            rule: .externalDeclaration,
            reasons: [.crashed, .compile]
        ),
        Attack(
            name: "include a file of the host",
            source: "#include \"/etc/passwd\"\n" + source("c[i] = 1;"),
            rule: .include,
            reasons: [.compile]
        ),
        Attack(
            name: "loop for ever",
            source: source("volatile __global int *v = c; while (1) v[i] = v[i] + 1;"),
            reasons: [.timeout],
            wallSeconds: 3
        ),
        Attack(
            name: "diverge at a barrier",
            source: source("if (i < 3) barrier(CLK_LOCAL_MEM_FENCE); c[i] = i;"),
            reasons: [.timeout, .crashed],
            mayComplete: true,
            wallSeconds: 3
        ),
        Attack(
            name: "recurse for ever",
            source:
                "__attribute__((noinline)) int f(volatile int *p, int n) { volatile int here[64]; here[n & 63] = *p;\n"
                + "return f(here, n + 1) + here[0]; }\n" + source("volatile int x = i; c[i] = f(&x, i);"),
            reasons: [.crashed]
        ),
        Attack(
            name: "take all memory",
            source: source(
                "__private volatile int big[1 << 28]; for (int k = 0; k < 1 << 28; k++) big[k] = k; c[i] = big[i];"
            ),
            reasons: [.crashed, .outOfMemory, .timeout]
        ),
        Attack(
            name: "macro bomb",
            source: (1...10).map { n in
                "#define M\(n) " + Array(repeating: n == 1 ? "1+" : "M\(n - 1) ", count: 10).joined()
            }.joined(separator: "\n") + "\n" + source("c[i] = M10 0;"),
            rule: .macroExpansion,
            reasons: [.timeout, .outOfMemory, .crashed, .compile],
            compileSeconds: 5
        ),
        Attack(
            name: "printf flood",
            source: source("for (int k = 0; k < 1 << 20; k++) printf(\"%d flood flood flood flood\", k); c[i] = 1;"),
            rule: .printf,
            reasons: [.timeout, .crashed],
            mayComplete: true,
            wallSeconds: 3
        ),
        Attack(
            name: "read local memory that nothing was written to",
            source: source("__local int t[64]; c[i] = t[(i + 1) % 64];"),
            mayComplete: true
        ),
        Attack(
            name: "race on local memory",
            source: source("__local int t[2]; t[0] = i; t[0] += a[i]; c[i] = t[0] + t[1];"),
            mayComplete: true
        ),
    ]

    private static func source(_ body: String) -> String {
        AdmissionTests.source(body).replacing("float", with: "int")
    }

    private static func isRight(_ outcome: RunOutcome, for attack: Attack) -> Bool {
        switch outcome {
        case .completed(let execution): attack.mayComplete && !contains(execution.outputs, Self.secret)
        case .failed(let failure): attack.reasons.contains(failure.reason) && !failure.detail.contains("root:")
        case .refused: false
        }
    }

    private static func contains(_ outputs: [String: [UInt8]], _ text: String) -> Bool {
        outputs.values.contains { Data($0).range(of: Data(text.utf8)) != nil }
    }

    private static func files(_ source: String) -> [String: [UInt8]] {
        ["k.cl": Array(source.utf8), "a.npy": NPYTests.file(descriptor: "<i4", shape: "(64,)", content: 256)]
    }

    @Test(arguments: attacks) func isContained(_ attack: Attack) async throws {
        let spec = try AdmissionTests.spec(type: "i32")
        let files = Self.files(attack.source)
        let runner = Support.runner(
            wallSeconds: attack.wallSeconds,
            compileSeconds: attack.compileSeconds,
            skipsAdmission: true
        )
        let outcome = await runner.run(spec, files: files)
        #expect(Self.isRight(outcome, for: attack), "\(outcome)")
        if let rule = attack.rule {
            guard case .refused(let faults) = await Support.runner().run(spec, files: files) else {
                Issue.record("admission let it pass")
                return
            }
            #expect(faults.contains { $0.rule == rule })
        }
    }

    /// A kernel that makes any system call: number and arguments from the spec; 1000 and above are paths.
    private static let systemCall = """
        __constant char paths[4][16] = { "/etc/passwd", "/proc/1/environ", "/var", "/dev/kmsg" };
        __kernel __attribute__((reqd_work_group_size(1, 1, 1)))
        void k(__global const int *a, __global int *c, ulong number, ulong first, ulong second, ulong third) {
            long result;
            ulong one = first >= 1000 && first < 1004 ? (ulong)paths[first - 1000] : first;
            ulong two = second >= 1000 && second < 1004 ? (ulong)paths[second - 1000] : second;
            __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(one), "S"(two), "d"(third)
                             : "rcx", "r11", "memory");
            c[0] = (int)result;
        }
        """

    private static func systemCallSpec(_ arguments: [Int]) throws -> ReplaySpec {
        let words = arguments.map { #"{"u64":"\#($0)"}"# }.joined(separator: ",")
        return try AdmissionTests.spec(
            type: "i32",
            local: [1],
            args: #"[{"slot":"a"},{"slot":"c","access":"write"},\#(words)]"#
        )
    }

    /// Numbers of x86-64 (arch/x86/entry/syscalls/syscall_64.tbl).
    @Test(.enabled(if: isX86), arguments: [true, false]) func systemCallsOfAttacksKill(namespaces: Bool) async throws {
        let runner = Support.runner(wallSeconds: 60, usesNamespaces: namespaces, skipsAdmission: true)
        let files = Self.files(Self.systemCall)
        let fatal = [
            "socket": [41, 2, 1, 0], "fork": [57, 0, 0, 0], "vfork": [58, 0, 0, 0], "execve": [59, 1000, 0, 0],
            "ptrace": [101, 0, 0, 0], "kill": [62, 1, 9, 0], "unshare": [272, 0x1000_0000, 0, 0],
            "mount": [165, 1000, 1000, 0], "io_uring_setup": [425, 8, 0, 0], "clone": [56, 17, 0, 0],
        ]
        for (name, arguments) in fatal {
            let outcome = await runner.run(try Self.systemCallSpec(arguments), files: files)
            guard case .failed(let failure) = outcome else {
                Issue.record("\(name): \(outcome)")
                continue
            }
            #expect(failure.reason == .crashed && failure.detail.contains("SIGSYS"), "\(name): \(failure)")
        }
    }

    /// Opening files of the host, by every way to open one, ends in an error; so does what the filter does not know.
    @Test(.enabled(if: isX86), arguments: [true, false]) func filesOfTheHostAreOutOfReach(namespaces: Bool) async throws
    {
        let runner = Support.runner(wallSeconds: 60, usesNamespaces: namespaces, skipsAdmission: true)
        let files = Self.files(Self.systemCall)
        var calls = [
            "open": [2, 1000, 0, 0], "openat": [257, 4_294_967_196, 1000, 0], "open for writing": [2, 1000, 2, 0],
            "unlink": [87, 1000, 0, 0], "openat2": [437, 4_294_967_196, 1000, 0], "folder": [2, 1002, 0, 0],
            "device": [2, 1003, 0, 0], "memfd_create": [319, 1000, 0, 0], "prctl": [157, 22, 0, 0],
        ]
        // In a process namespace process 1 is the worker's own keeper, which has nothing to hide.
        if !namespaces { calls["another process"] = [2, 1001, 0, 0] }
        for (name, arguments) in calls {
            let outcome = await runner.run(try Self.systemCallSpec(arguments), files: files)
            guard case .completed(let execution) = outcome else {
                Issue.record("\(name): \(outcome)")
                continue
            }
            let result = Support.elements(execution.outputs["c"] ?? [], as: Int32.self).first ?? 0
            #expect(result < 0, "\(name) gave \(result)")
        }
    }

    /// A pointer into this process is a pointer to nothing in the worker.
    @Test func memoryOfTheHostIsOutOfReach() async throws {
        let bytes = Array(Self.secret.utf8)
        let address = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
        defer { address.deallocate() }
        address.update(from: bytes, count: bytes.count)
        let text = """
            __kernel __attribute__((reqd_work_group_size(1, 1, 1)))
            void k(__global const uchar *a, __global uchar *c, ulong p) {
                for (int n = 0; n < 38; n++) c[n] = ((__global const uchar *)p)[n];
            }
            """
        let argument = #"{"u64":"\#(UInt(bitPattern: address))"}"#
        let spec = try AdmissionTests.spec(
            type: "u8",
            local: [1],
            args: #"[{"slot":"a"},{"slot":"c","access":"write"},\#(argument)]"#
        )
        let files = [
            "k.cl": Array(text.utf8), "a.npy": NPYTests.file(descriptor: "|u1", shape: "(64,)", content: 64),
        ]
        let runner = Support.runner(wallSeconds: 60, skipsAdmission: true)
        switch await runner.run(spec, files: files) {
        case .completed(let execution): #expect(!Self.contains(execution.outputs, Self.secret))
        case .failed(let failure): #expect(failure.reason == .crashed)
        case .refused(let faults): Issue.record("\(faults)")
        }
        guard case .refused(let faults) = await Support.runner().run(spec, files: files) else {
            Issue.record("admission let it pass")
            return
        }
        #expect(faults.map(\.rule) == [.pointerCast])
    }

    /// A kernel that writes into the reply itself gets no further than a kernel that computes wrong numbers.
    @Test(.enabled(if: isX86)) func forgedFramesBreakTheProtocol() async throws {
        let runner = Support.runner(wallSeconds: 60, skipsAdmission: true)
        // write(4, path, 11): "/etc/passwd" is no frame.
        let spec = try Self.systemCallSpec([1, 4, 1000, 11])
        guard case .failed(let failure) = await runner.run(spec, files: Self.files(Self.systemCall)) else {
            Issue.record("a forged frame was taken")
            return
        }
        #expect(failure.reason == .protocolViolation)
    }

    /// The programs and inputs of a run lie in a sealed file: a kernel that tries to change it for later jobs cannot.
    @Test(.enabled(if: isX86)) func theRequestCannotBeChanged() async throws {
        let runner = Support.runner(wallSeconds: 60, skipsAdmission: true)
        // write(3, path, 11), ftruncate(3, 0), pwrite64(3, path, 11)
        for call in [[1, 3, 1000, 11], [77, 3, 0, 0], [18, 3, 1000, 11]] {
            let outcome = await runner.run(try Self.systemCallSpec(call), files: Self.files(Self.systemCall))
            guard case .completed(let execution) = outcome else {
                Issue.record("\(call): \(outcome)")
                continue
            }
            #expect(Support.elements(execution.outputs["c"] ?? [], as: Int32.self).first ?? 0 < 0, "\(call)")
        }
    }

    static let isX86: Bool = {
        #if arch(x86_64)
            true
        #else
            false
        #endif
    }()
}
