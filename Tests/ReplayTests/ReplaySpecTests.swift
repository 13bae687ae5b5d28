// Replay specs: what is written is read back, and every member that is missing, foreign, mistyped or out of bounds is named.
import Codecs
import Commitments
import Testing

@testable import Replay

@Suite struct ReplaySpecTests {
    private static let cid = CID.raw([1, 2, 3]).text

    /// A spec that uses every member.
    static let text = """
        {"version":1,"class":"exact","device":{"type":"any","memoryBytes":"1048576"},
         "sources":[{"name":"s","file":"kernels/s.cl","bytes":"10","cid":"\(cid)"}],
         "slots":[{"name":"x","role":"in","dtype":"f32","shape":[4,16],"file":"in/x.npy","format":"npy","bytes":"384",
                   "cid":"\(cid)"},
                  {"name":"r","role":"in","dtype":"u8","shape":[8],"file":"in/r.raw","format":"raw"},
                  {"name":"t","role":"scratch","dtype":"f64","shape":[64]},
                  {"name":"y","role":"out","dtype":"f32","shape":[64]}],
         "steps":[{"kernel":"k","source":"s","global":[64],"local":[16],"unitsPerItem":"3",
                   "args":[{"slot":"x"},{"slot":"t","access":"write"},{"i32":"-5"},{"u32":"5"},{"i64":"-6"},{"u64":"6"},
                           {"f32":"0x3f800000"},{"f64":"0x3ff0000000000000"}]},
                  {"kernel":"l","source":"s","global":[8,4,2],"local":[2,4,1],
                   "args":[{"slot":"t","access":"readwrite"},{"slot":"y","access":"write"},{"slot":"r"},{"slot":"x"},
                           {"slot":"x","access":"read"}]}],
         "limits":{"wallSeconds":60,"memoryBytes":"4096","outputBytes":"256"}}
        """

    private static func parse(_ text: String) throws -> ReplaySpec {
        try ReplaySpec(try JSONValue(parsing: Array(text.utf8)), "replay")
    }

    @Test func readsEveryMember() throws {
        let spec = try Self.parse(Self.text)
        #expect(spec.workUnits == 64 * 3 + 64)
        #expect(spec.slots[0].byteCount == 256)
        #expect(spec.slots[0].file?.format == .npy)
        #expect(spec.steps[0].writtenSlots == [2])
        #expect(spec.steps[1].writtenSlots == [2, 3])
        #expect(
            spec.steps[0].arguments[2...] == [
                .i32(-5), .u32(5), .i64(-6), .u64(6), .f32(bits: 0x3f80_0000), .f64(bits: 0x3ff0_0000_0000_0000),
            ]
        )
        #expect(spec.outputSlots == [3])
        #expect(spec.lastWriter(ofSlot: 2) == 1)
        #expect(spec.artefacts.map(\.file) == ["kernels/s.cl", "in/x.npy", "in/r.raw"])
        #expect(!spec.isSealed)
    }

    @Test func writesWhatItReads() throws {
        let spec = try Self.parse(Self.text)
        #expect(try ReplaySpec(spec.json) == spec)
        #expect(try ReplaySpec(spec.json).json.serialized() == spec.json.serialized())
    }

    @Test func sealingFillsInFiles() throws {
        let spec = try Self.parse(Self.text)
        let cid = CID.raw([1, 2, 3])
        var files: [String: (byteCount: UInt64, cid: CID)] = [
            "kernels/s.cl": (10, cid), "in/x.npy": (384, cid), "in/r.raw": (8, cid),
        ]
        let sealed = try spec.sealing(with: files)
        #expect(sealed.isSealed)
        #expect(try ReplaySpec(sealed.json) == sealed)

        files["in/r.raw"] = (9, cid)
        #expect(throws: ParseError(field: "slots[1].bytes", expected: "8 for the slot's shape", actual: "9")) {
            try spec.sealing(with: files)
        }
        files["in/r.raw"] = nil
        #expect(throws: ParseError(field: "slots[1].file", expected: "file in/r.raw", actual: "no such file")) {
            try spec.sealing(with: files)
        }
        files["in/r.raw"] = (8, cid)
        files["kernels/s.cl"] = (11, cid)
        #expect(throws: ParseError(field: "sources[0].bytes", expected: "10", actual: "11")) {
            try spec.sealing(with: files)
        }
        files["kernels/s.cl"] = (10, CID.raw([9]))
        #expect(throws: ParseError.self) { try spec.sealing(with: files) }
    }

    /// Each change of the good text, and the member that the error must name.
    struct Change: Sendable, CustomTestStringConvertible {
        let from: String
        let to: String
        let field: String
        var testDescription: String { "\(from) → \(to)" }

        init(_ from: String, _ to: String, _ field: String) {
            self.from = from
            self.to = to
            self.field = field
        }
    }

    static let changes: [Change] = [
        Change(#""version":1,"#, #""version":2,"#, "replay.version"),
        Change(#""version":1,"#, #""version":"1","#, "replay.version"),
        Change(#""class":"exact""#, #""class":"tolerant""#, "replay.class"),
        Change(#""class":"exact""#, #""class":"integer""#, "replay.slots[0].dtype"),
        Change(#""type":"any""#, #""type":"tpu""#, "replay.device.type"),
        Change(#""memoryBytes":"1048576""#, #""memoryBytes":1048576"#, "replay.device.memoryBytes"),
        Change(#""memoryBytes":"1048576""#, #""memoryBytes":"1048576","cores":2"#, "replay.device.cores"),
        Change(#""memoryBytes":"1048576""#, #""memoryBytes":"01""#, "replay.device.memoryBytes"),
        Change(#""memoryBytes":"1048576""#, #""memoryBytes":"1099511627777""#, "replay.device.memoryBytes"),
        Change(#""name":"s","#, #""name":"","#, "replay.sources[0].name"),
        Change(#""name":"s","#, #""name":"9s","#, "replay.sources[0].name"),
        Change(#""name":"s","#, #""name":"\#(String(repeating: "s", count: 65))","#, "replay.sources[0].name"),
        Change(#""kernels/s.cl""#, #""/etc/passwd""#, "replay.sources[0].file"),
        Change(#""kernels/s.cl""#, #""../s.cl""#, "replay.sources[0].file"),
        Change(#""kernels/s.cl""#, #""kernels//s.cl""#, "replay.sources[0].file"),
        Change(#""kernels/s.cl""#, #""kernels/./s.cl""#, "replay.sources[0].file"),
        Change(#""kernels/s.cl""#, #""kernels\\s.cl""#, "replay.sources[0].file"),
        Change(#""bytes":"10""#, #""bytes":"0""#, "replay.sources[0].bytes"),
        Change(#""bytes":"10""#, #""bytes":"1048577""#, "replay.sources[0].bytes"),
        Change(#""bytes":"10""#, #""bytes":"ten""#, "replay.sources[0].bytes"),
        Change(#""bytes":"10","cid":"b"#, #""bytes":"10","cid":"z"#, "replay.sources[0].cid"),
        Change(#"{"name":"s","#, #"{"nom":"s","name":"s","#, "replay.sources[0].nom"),
        Change(#"{"name":"r","#, #"{"name":"x","#, "replay.slots[1].name"),
        Change(#""role":"scratch""#, #""role":"const""#, "replay.slots[2].format"),
        Change(#""role":"scratch""#, #""role":"own""#, "replay.slots[2].role"),
        Change(#""role":"scratch""#, #""role":"scratch","file":"x""#, "replay.slots[2].file"),
        Change(#""dtype":"f64""#, #""dtype":"f16""#, "replay.slots[2].dtype"),
        Change(#""shape":[8]"#, #""shape":[]"#, "replay.slots[1].shape"),
        Change(#""shape":[8]"#, #""shape":[0]"#, "replay.slots[1].shape[0]"),
        Change(#""shape":[8]"#, #""shape":[-8]"#, "replay.slots[1].shape[0]"),
        Change(#""shape":[8]"#, #""shape":["8"]"#, "replay.slots[1].shape[0]"),
        Change(#""shape":[8]"#, #""shape":[1,1,1,1,1,1,1,1,8]"#, "replay.slots[1].shape"),
        Change(#""shape":[8]"#, #""shape":[4294967296,4294967296]"#, "replay.slots[1].shape"),
        Change(#""shape":[8]"#, #""shape":[1099511627777]"#, "replay.slots[1].shape"),
        Change(#""shape":[8]"#, #""shape":[9223372036854775807,3]"#, "replay.slots[1].shape"),
        Change(#""format":"raw""#, #""format":"csv""#, "replay.slots[1].format"),
        Change(#","format":"raw""#, "", "replay.slots[1].format"),
        Change(#""file":"in/r.raw","#, "", "replay.slots[1].file"),
        Change(#""format":"raw""#, #""format":"raw","bytes":"7""#, "replay.slots[1].bytes"),
        Change(#""bytes":"384""#, #""bytes":"256""#, "replay.slots[0].bytes"),
        Change(#""bytes":"384""#, #""bytes":"65793""#, "replay.slots[0].bytes"),
        Change(#""kernel":"k""#, #""kernel":"k k""#, "replay.steps[0].kernel"),
        Change(#""kernel":"k""#, #""kernel":"k.k""#, "replay.steps[0].kernel"),
        Change(#""kernel":"k","source":"s""#, #""kernel":"k","source":"t""#, "replay.steps[0].source"),
        Change(#""global":[64]"#, #""global":[]"#, "replay.steps[0].global"),
        Change(#""global":[64]"#, #""global":[64,0]"#, "replay.steps[0].global[1]"),
        Change(#""global":[64]"#, #""global":[64,64]"#, "replay.steps[0].local"),
        Change(#""global":[64]"#, #""global":[65]"#, "replay.steps[0].local"),
        Change(#""global":[64]"#, #""global":[1,1,1,64]"#, "replay.steps[0].global"),
        Change(#""global":[64]"#, #""global":[1099511627776,16]"#, "replay.steps[0].global"),
        Change(#""local":[16]"#, #""local":[2048]"#, "replay.steps[0].local"),
        Change(#""unitsPerItem":"3""#, #""unitsPerItem":"0""#, "replay.steps[0].unitsPerItem"),
        Change(#""unitsPerItem":"3""#, #""unitsPerItem":"18446744073709551615""#, "replay.steps[0].unitsPerItem"),
        Change(#"{"slot":"t","access":"write"}"#, #"{"slot":"t"}"#, "replay.steps[0].args"),
        Change(#"{"slot":"t","access":"write"}"#, #"{"slot":"q","access":"write"}"#, "replay.steps[0].args[1].slot"),
        Change(#"{"slot":"t","access":"write"}"#, #"{"slot":"x","access":"write"}"#, "replay.steps[0].args[1].access"),
        Change(#"{"slot":"t","access":"write"}"#, #"{"slot":"t","access":"own"}"#, "replay.steps[0].args[1].access"),
        Change(#"{"i32":"-5"}"#, #"{"i32":-5}"#, "replay.steps[0].args[2].i32"),
        Change(#"{"i32":"-5"}"#, #"{"i32":"2147483648"}"#, "replay.steps[0].args[2].i32"),
        Change(#"{"i32":"-5"}"#, #"{"i32":"+5"}"#, "replay.steps[0].args[2].i32"),
        Change(#"{"i32":"-5"}"#, #"{"i32":"-0"}"#, "replay.steps[0].args[2].i32"),
        Change(#"{"i32":"-5"}"#, #"{"i32":"1","u32":"1"}"#, "replay.steps[0].args[2].u32"),
        Change(#"{"i32":"-5"}"#, #"{}"#, "replay.steps[0].args[2]"),
        Change(#"{"i32":"-5"}"#, "5", "replay.steps[0].args[2]"),
        Change(#"{"u32":"5"}"#, #"{"u32":"4294967296"}"#, "replay.steps[0].args[3].u32"),
        Change(#"{"i64":"-6"}"#, #"{"i64":"9223372036854775808"}"#, "replay.steps[0].args[4].i64"),
        Change(#"{"u64":"6"}"#, #"{"u64":"18446744073709551616"}"#, "replay.steps[0].args[5].u64"),
        Change(#""0x3f800000""#, #""3f800000""#, "replay.steps[0].args[6].f32"),
        Change(#""0x3f800000""#, #""0x3f8000""#, "replay.steps[0].args[6].f32"),
        Change(#""0x3f800000""#, #""0x3F800000""#, "replay.steps[0].args[6].f32"),
        Change(#""0x3f800000""#, "1", "replay.steps[0].args[6].f32"),
        Change(#""0x3ff0000000000000""#, #""0x3ff""#, "replay.steps[0].args[7].f64"),
        Change(#"{"slot":"r"}"#, #"{"slot":"y"}"#, "replay.steps[1].args[2].slot"),
        Change(#"{"slot":"y","access":"write"}"#, #"{"slot":"t","access":"write"}"#, "replay.steps[1].args[1].slot"),
        Change(#"{"slot":"y","access":"write"},"#, "", "replay.slots[3]"),
        Change(#""role":"out""#, #""role":"scratch""#, "replay.slots"),
        Change(#""wallSeconds":60"#, #""wallSeconds":0"#, "replay.limits.wallSeconds"),
        Change(#""wallSeconds":60"#, #""wallSeconds":86401"#, "replay.limits.wallSeconds"),
        Change(#""memoryBytes":"4096""#, #""memoryBytes":"1031""#, "replay.limits.memoryBytes"),
        Change(#""outputBytes":"256""#, #""outputBytes":"255""#, "replay.limits.outputBytes"),
        Change(#""outputBytes":"256""#, #""outputBytes":"256","cpu":1"#, "replay.limits.cpu"),
        Change(#"{"version":1,"#, #"{"version":1,"extra":{},"#, "replay.extra"),
    ]

    @Test(arguments: changes) func namesTheMember(_ change: Change) throws {
        #expect(Self.text.contains(change.from), "the good text has no \(change.from)")
        let text = Self.text.replacing(change.from, with: change.to, maxReplacements: 1)
        let error = #expect(throws: ParseError.self) { try Self.parse(text) }
        #expect(error?.field == change.field)
    }

    /// Every member of every object, taken out one at a time, is missed, unless it is one of those that may be missing.
    @Test func missesEveryMember() throws {
        let value = try JSONValue(parsing: Array(Self.text.utf8))
        var removed = 0
        for (path, smaller) in Self.removals(value, "") {
            let isOptional = ["bytes", "cid", "access", "unitsPerItem"].contains { path.hasSuffix("." + $0) }
            removed += 1
            if isOptional {
                if path.hasSuffix("access") { continue }
                #expect((try? ReplaySpec(smaller)) != nil, "\(path)")
            } else {
                #expect(throws: ParseError.self, "\(path)") { try ReplaySpec(smaller) }
            }
        }
        #expect(removed > 60)
    }

    /// Every value, replaced by one of each other JSON type, is refused.
    @Test func refusesOtherTypes() throws {
        let value = try JSONValue(parsing: Array(Self.text.utf8))
        let others: [JSONValue] = [.null, .bool(true), .integer(-1), .string("\u{0}"), .array([.null]), .object([:])]
        var count = 0
        for other in others {
            for (path, changed) in Self.replacements(value, "", with: other) {
                #expect(throws: ParseError.self, "\(path) = \(other)") { try ReplaySpec(changed) }
                count += 1
            }
        }
        #expect(count > 500)
    }

    @Test func refusesTooMany() throws {
        let slot = #"{"name":"t","role":"scratch","dtype":"f64","shape":[64]}"#
        let many = (0..<300).map { #"{"name":"t\#($0)","role":"scratch","dtype":"u8","shape":[1]}"# }
        let text = Self.text.replacing(slot, with: slot + "," + many.joined(separator: ","))
        #expect(throws: ParseError(field: "replay.slots", expected: "at most 256 elements", actual: "304")) {
            try Self.parse(text)
        }
    }

    private static func removals(_ value: JSONValue, _ path: String) -> [(String, JSONValue)] {
        switch value {
        case .object(let object):
            return object.members.flatMap { member -> [(String, JSONValue)] in
                var smaller = object
                smaller[member.name] = nil
                let inner = removals(member.value, path + "." + member.name).map { changed in
                    var copy = object
                    copy[member.name] = changed.1
                    return (changed.0, JSONValue.object(copy))
                }
                return [(path + "." + member.name, .object(smaller))] + inner
            }
        case .array(let elements):
            return elements.enumerated().flatMap { index, element in
                removals(element, path + "[\(index)]").map { changed in
                    var copy = elements
                    copy[index] = changed.1
                    return (changed.0, JSONValue.array(copy))
                }
            }
        default: return []
        }
    }

    private static func replacements(
        _ value: JSONValue,
        _ path: String,
        with other: JSONValue
    ) -> [(String, JSONValue)] {
        var result: [(String, JSONValue)] = value.typeName == other.typeName && value == other ? [] : [(path, other)]
        switch value {
        case .object(let object):
            for member in object.members {
                for changed in replacements(member.value, path + "." + member.name, with: other) {
                    var copy = object
                    copy[member.name] = changed.1
                    result.append((changed.0, .object(copy)))
                }
            }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                for changed in replacements(element, path + "[\(index)]", with: other) {
                    var copy = elements
                    copy[index] = changed.1
                    result.append((changed.0, .array(copy)))
                }
            }
        default: break
        }
        return result
    }
}
