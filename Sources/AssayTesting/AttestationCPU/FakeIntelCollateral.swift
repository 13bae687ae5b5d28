// The collateral of a fake Intel platform: TCB info, quoting enclave identity and revocation lists, with any state.

public import Attestation
internal import Codecs

extension FakeIntelPlatform {
    /// What the collateral says.
    public struct CollateralForm: Sendable {
        /// The status of the newest platform level, which the platform of the good form reaches.
        public var status = "UpToDate"
        /// The advisories of that level.
        public var advisories: [String] = []
        /// The status of an older level that every platform reaches.
        public var oldStatus = "OutOfDate"
        /// The versions that the newest level asks of every SGX component.
        public var sgxSvn = 5
        /// The first three TDX components of the newest level.
        public var tdxSvns = [5, 0, 5]
        /// The levels of TDX module version 1: version and status, newest first.
        public var moduleLevels: [(svn: Int, status: String)] = [(5, "UpToDate"), (1, "OutOfDate")]
        /// The levels of the quoting enclave: version and status, newest first.
        public var qeLevels: [(svn: Int, status: String)] = [(8, "UpToDate"), (4, "OutOfDate")]
        /// The quoting enclave's signer.
        public var qeMrSigner = String(repeating: "AA", count: 32)
        /// When everything was issued.
        public var issueDate = "2025-01-01T00:00:00Z"
        /// When everything is due again.
        public var nextUpdate = "2025-02-01T00:00:00Z"
        /// The evaluation number.
        public var evaluationNumber = 17
        /// The serial numbers that the PCK authority has revoked.
        public var revokedPCKs: [UInt64] = []
        /// The serial numbers that the root has revoked.
        public var revokedAuthorities: [UInt64] = []
        /// The FMSPC of the TCB info, when it is not the platform's.
        public var fmspc: [UInt8]?
        /// The PCE identifier of the TCB info.
        public var pceId = "0000"
        /// Text put into the TCB info after its first brace: an unknown member, say.
        public var extraMember = ""
        /// Who signs the TCB info, when it is not the TCB signer.
        public var signer: TestIdentity?

        /// Good collateral.
        public init() {}
    }

    /// The collateral for quotes of TDs (`isTDX`) or enclaves.
    public func collateral(_ form: CollateralForm = CollateralForm(), isTDX: Bool) -> CollateralBundle {
        let signer = form.signer ?? tcbSigner
        func signed(_ kind: CollateralKind, _ text: String, by signer: TestIdentity) -> CollateralItem {
            let body = Array(text.utf8)
            let chain = [signer, root].flatMap { PEM.encode($0.certificate.der) }
            return CollateralItem(kind: kind, body: body, signature: signer.key.sign(body), chain: chain)
        }
        var items = [
            signed(.intelTCBInfo, tcbInfo(form, isTDX: isTDX), by: signer),
            signed(.intelQEIdentity, identity(form, isTDX: isTDX), by: tcbSigner),
        ]
        let from = Timestamp(seconds: 1_735_689_600)
        let until = from.adding(seconds: 31 * 86_400)
        for list in [
            root.revocationList(of: form.revokedAuthorities, thisUpdate: from, nextUpdate: until),
            authority.revocationList(of: form.revokedPCKs, thisUpdate: from, nextUpdate: until),
        ] { items.append(CollateralItem(kind: .revocationList, body: list)) }
        items.append(CollateralItem(kind: .certificate, body: authority.certificate.der))
        return CollateralBundle(items)
    }

    private func tcbInfo(_ form: CollateralForm, isTDX: Bool) -> String {
        let zeros = String(repeating: "0", count: 96)
        let name = isTDX ? "TDX" : "SGX"
        let fmspc = Hex.encode(form.fmspc ?? self.form.fmspc)
        let modules =
            isTDX
            ? #""tdxModule":{"mrsigner":"\#(zeros)","attributes":"0000000000000000","attributesMask":"FFFFFFFFFFFFFFFF"},"#
                + #""tdxModuleIdentities":[{"id":"TDX_01","mrsigner":"\#(zeros)","attributes":"0000000000000000","#
                + #""attributesMask":"FFFFFFFFFFFFFFFF","tcbLevels":[\#(levels(form.moduleLevels))]}],"# : ""
        let newest = level(form.sgxSvn, 11, form.tdxSvns, form.status, form.advisories, isTDX: isTDX)
        let oldest = level(0, 0, [0, 0, 0], form.oldStatus, [], isTDX: isTDX)
        return #"{\#(form.extraMember)"id":"\#(name)","version":3,"issueDate":"\#(form.issueDate)","#
            + #""nextUpdate":"\#(form.nextUpdate)","fmspc":"\#(fmspc)","pceId":"\#(form.pceId)","tcbType":0,"#
            + #""tcbEvaluationDataNumber":\#(form.evaluationNumber),\#(modules)"tcbLevels":[\#(newest),\#(oldest)]}"#
    }

    private func level(
        _ sgx: Int,
        _ pce: Int,
        _ tdx: [Int],
        _ status: String,
        _ advisories: [String],
        isTDX: Bool
    ) -> String {
        let sgxList = (0..<16).map { _ in #"{"svn":\#(sgx)}"# }.joined(separator: ",")
        let tdxList = (0..<16).map { #"{"svn":\#($0 < tdx.count ? tdx[$0] : 0)}"# }.joined(separator: ",")
        let names = advisories.map { "\"\($0)\"" }.joined(separator: ",")
        let tdxPart = isTDX ? #","tdxtcbcomponents":[\#(tdxList)]"# : ""
        let advisoryPart = advisories.isEmpty ? "" : #","advisoryIDs":[\#(names)]"#
        return #"{"tcb":{"sgxtcbcomponents":[\#(sgxList)],"pcesvn":\#(pce)\#(tdxPart)},"#
            + #""tcbDate":"2024-11-13T00:00:00Z","tcbStatus":"\#(status)"\#(advisoryPart)}"#
    }

    private func levels(_ list: [(svn: Int, status: String)]) -> String {
        list.map {
            #"{"tcb":{"isvsvn":\#($0.svn)},"tcbDate":"2024-11-13T00:00:00Z","tcbStatus":"\#($0.status)"}"#
        }.joined(separator: ",")
    }

    private func identity(_ form: CollateralForm, isTDX: Bool) -> String {
        #"{"id":"\#(isTDX ? "TD_QE" : "QE")","version":2,"issueDate":"\#(form.issueDate)","#
            + #""nextUpdate":"\#(form.nextUpdate)","tcbEvaluationDataNumber":\#(form.evaluationNumber),"#
            + #""miscselect":"00000000","miscselectMask":"FFFFFFFF","attributes":"11000000000000000000000000000000","#
            + #""attributesMask":"FBFFFFFFFFFFFFFF0000000000000000","mrsigner":"\#(form.qeMrSigner)","#
            + #""isvprodid":\#(isTDX ? 2 : 1),"tcbLevels":[\#(levels(form.qeLevels))]}"#
    }
}
