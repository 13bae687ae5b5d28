// Changes to a valid quote or to its collateral, as manifests describe them, and what must come of each.
internal import Attestation
internal import Codecs
internal import Foundation
internal import Verdicts

/// The mutations of one quote.
struct IntelMutations {
    let file: VectorFile
    let setting: AppraisalSetting

    func check(_ number: Int, _ mutation: JSONObject) throws(ParseError) -> Check {
        let what = mutation.text("what")
        let id = "mutations/\(number) \(what.isEmpty ? mutation.text("op") : what)"
        guard let (evidence, changed) = try mutated(mutation, what) else {
            return file.skip(id, "a mutation that is not known here: \(mutation.text("op"))")
        }
        let actual = AttestationRules.conclusion(changed, evidence)
        let must = mutation.text("must")
        // Where the manifest asks for documentation only, the answer here is the strict one but for zeros after the quote.
        let passes =
            if must == "fail" {
                actual != "verified"
            } else if must.hasPrefix("accepted") || mutation.text("op") == "append" {
                actual == "verified"
            } else {
                actual != "verified"
            }
        return file.check(id, passes, expected: must, actual: actual)
    }

    private func mutated(
        _ mutation: JSONObject,
        _ what: String
    ) throws(ParseError) -> (evidence: [UInt8], setting: AppraisalSetting)? {
        var bytes = file.bytes
        var setting = setting
        if let offset = mutation.integer("flip_byte"), let mask = mutation.integer("xor"), offset < bytes.count {
            bytes[offset] ^= UInt8(truncatingIfNeeded: mask)
            return (bytes, setting)
        }
        let signature = signatureStart..<signatureStart + 64
        switch mutation.text("op") {
        case "truncate": bytes = Array(bytes.prefix(mutation.integer("keep") ?? 0))
        case "append": bytes += try Hex.decode(mutation.text("bytes"), field: "bytes")
        case "replace quote signature s by n-s":
            let s = bytes[signature.lowerBound + 32..<signature.upperBound]
            bytes.replaceSubrange(signature.lowerBound + 32..<signature.upperBound, with: Self.negated(s))
        case "zero quote signature": bytes.replaceSubrange(signature, with: [UInt8](repeating: 0, count: 64))
        case "verification time": setting.time = try Timestamp(mutation.text("at"), field: "at")
        case "collateral swap":
            let other =
                file.folder.lastPathComponent == "sgx" ? "tdx-b0c06f000000-2025-06-19" : "sgx-00606a000000-2025-08-15"
            let bundle = try CollateralBundle(quoteCollateralV3: try file.sibling("../collateral/\(other).json"))
            change(.intelTCBInfo, &setting) { item in
                if let swapped = bundle.items(.intelTCBInfo).first { item = swapped }
            }
        case "collateral tcb_info": change(.intelTCBInfo, &setting) { Self.spoil(&$0, what) }
        case "collateral qe_identity": change(.intelQEIdentity, &setting) { Self.spoil(&$0, what) }
        case "collateral tcb_info_signature": change(.intelTCBInfo, &setting) { $0.signature[10] ^= 1 }
        case "collateral qe_identity_signature": change(.intelQEIdentity, &setting) { $0.signature[10] ^= 1 }
        case "collateral tcb_info_issuer_chain":
            let authorities = setting.collateral.items(.certificate).flatMap { PEM.encode($0.body) }
            change(.intelTCBInfo, &setting) { $0.chain = authorities }
        case "collateral root_ca_crl": changeList(0, what, &setting)
        case "collateral pck_crl": changeList(1, what, &setting)
        default: return nil
        }
        return (bytes, setting)
    }

    /// Header and body, with the body's descriptor in version 5, and the length of the signature data.
    private var signatureStart: Int {
        guard file.bytes.count > 54 else { return 0 }
        switch file.bytes[0] {
        case 3: return 48 + 384 + 4
        case 5: return 48 + 6 + Int(file.bytes[50]) + Int(file.bytes[51]) << 8 + 4
        default: return 48 + 584 + 4
        }
    }

    private func change(
        _ kind: CollateralKind,
        _ setting: inout AppraisalSetting,
        _ edit: (inout CollateralItem) -> Void
    ) {
        for index in setting.collateral.items.indices where setting.collateral.items[index].kind == kind {
            edit(&setting.collateral.items[index])
        }
    }

    private static func spoil(_ item: inout CollateralItem, _ what: String) {
        if what.contains("space") {
            item.body.insert(0x20, at: 1)
            return
        }
        let text = String(decoding: item.body, as: UTF8.self)
        let changed =
            text.contains("\"OutOfDate\"")
            ? text.replacing("\"OutOfDate\"", with: "\"UpToDate\"")
            : text.replacing("\"UpToDate\"", with: "\"OutOfDate\"")
        item.body = Array(changed.utf8)
    }

    /// The root's list stands before the PCK authority's.
    private func changeList(_ position: Int, _ what: String, _ setting: inout AppraisalSetting) {
        let places = setting.collateral.items.indices.filter { setting.collateral.items[$0].kind == .revocationList }
        guard places.indices.contains(position) else { return }
        var body = setting.collateral.items[places[position]].body
        if what.contains("empty") {
            body = []
        } else if what.contains("root CRL") && position == 1 {
            body = setting.collateral.items[places[0]].body
        } else if !body.isEmpty {
            body[body.count - 1] ^= 1
        }
        setting.collateral.items[places[position]].body = body
    }

    /// The order of P-256 (SEC 2 §2.4.2) minus `value`.
    private static func negated(_ value: ArraySlice<UInt8>) -> [UInt8] {
        let order: [UInt8] = [
            0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
            0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
        ]
        var result = order
        var borrow = 0
        for (index, byte) in zip(order.indices, value).reversed() {
            let difference = Int(order[index]) - Int(byte) - borrow
            borrow = difference < 0 ? 1 : 0
            result[index] = UInt8(truncatingIfNeeded: difference)
        }
        return result
    }
}
