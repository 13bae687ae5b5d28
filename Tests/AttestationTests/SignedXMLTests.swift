// The strict XML reader, canonical forms, and signed manifests under attack: wrapping, other forms, hostile documents.
import AssayTesting
import Codecs
import Foundation
import Testing
import Verdicts

@testable import Attestation

@Suite("Signed XML") struct SignedXMLTests {
    private let manifest = FakeReferenceManifest(
        version: "1",
        values: [(0, true, [[UInt8](repeating: 1, count: 48)])]
    )

    private func findings(_ document: String) throws -> Findings {
        let links = manifestLinks([manifest.root.certificate], at: Timestamp(seconds: 1_760_000_000))
        var findings = Findings()
        try ReferenceManifest(parsing: Array(document.utf8))
            .verify(id: "rim", links, revocation: { _ in .notIssued("test") }, into: &findings)
        return findings
    }

    private func document(
        head: String? = nil,
        body: String? = nil,
        signature: String? = nil,
        tail: String = "</SoftwareIdentity>"
    ) -> String {
        (head ?? manifest.head) + (body ?? manifest.body) + (signature ?? manifest.signature()) + tail
    }

    @Test("A canonical document verifies, and so do other spellings of the same one") func spellings() throws {
        #expect(try findings(document()).isClean)
        let head = manifest.head
        let spellings = [
            document(head: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + head),
            document(tail: "</SoftwareIdentity\n>\n"),
            document(head: head.replacing(" name=", with: "\n   name = ")),
            document(head: head.replacing("\"", with: "'")),
            document(
                head: head.replacing("name=\"GH100\" version=\"1.0\"", with: "version=\"1.0\" name=\"GH&#x31;00\"")
            ),
            document(body: manifest.body.replacing("></Meta>", with: "/>")),
            document(
                head: head.replacing("<SoftwareIdentity ", with: "<SoftwareIdentity xmlns:unused=\"urn:x\" "),
                signature: nil
            ),
        ]
        for (index, spelling) in spellings.enumerated() {
            // A further namespace declaration is content; every other spelling is not.
            #expect(try findings(spelling).isClean == (index < spellings.count - 1), "\(index)")
        }
    }

    @Test("Any change of content, order or space is another document") func content() throws {
        let body = manifest.body
        for changed in [
            body.replacing("active=\"True\"", with: "active=\"False\""),
            body.replacing("<Payload>", with: "<Payload> "),
            body.replacing("colloquialVersion=\"1\"", with: "colloquialVersion=\"2\""),
            body.replacing("colloquialVersion=\"1\"", with: "colloquialVersion=\"1\" more=\"\""),
        ] {
            let result = try findings(document(body: changed))
            #expect(result.checks.filter { $0.result == .fail }.map(\.id) == ["rim.digest"], "\(changed)")
        }
    }

    @Test("Signature wrapping: signed content moved aside, second and nested signatures") func wrapping() throws {
        let evil = manifest.body.replacing("active=\"True\"", with: "active=\"False\"")
        let good = document()
        for attack in [
            // The whole signed document inside another one.
            document(body: evil + good, signature: ""), document(body: evil + good),
            // Two signatures; one inside a harmless element; one inside the payload.
            document(signature: manifest.signature() + manifest.signature()),
            document(signature: "<Extra>\(manifest.signature())</Extra>"),
            document(body: manifest.body.replacing("</Payload>", with: manifest.signature() + "</Payload>")),
            // Two payloads: which one was read?
            document(body: manifest.body + evil), document(body: evil + manifest.body),
        ] {
            let result = try? findings(attack)
            #expect(result?.isClean != true)
        }
    }

    @Test("References, transforms and algorithms other than the one form are refused") func forms() throws {
        let signature = manifest.signature()
        for (from, to) in [
            ("URI=\"\"", "URI=\"#x\""), ("URI=\"\"", "URI=\"\" Id=\"x\""), ("URI=\"\"", ""),
            ("c14n11", "c14n11#WithComments"),
            ("#ecdsa-sha384", "#ecdsa-sha256"), ("xmldsig-more#sha384", "sha1"), ("#enveloped-signature", "#base64"),
            ("<ds:Transforms>", "<ds:Transforms>text"), ("ds:KeyInfo>", "ds:KeyInfos>"),
            ("<ds:KeyInfo>", "<ds:Object></ds:Object><ds:KeyInfo>"),
            ("<ds:X509Data>", "<ds:X509Data><ds:X509CRL>AA==</ds:X509CRL>"),
        ] {
            let changed = signature.replacing(from, with: to)
            #expect(changed != signature)
            #expect(throws: ParseError.self, "\(from)") { try findings(document(signature: changed)) }
        }
        #expect(throws: ParseError.self) { try findings(document(signature: "")) }
    }

    @Test("XML beyond the subset is refused") func hostile() {
        let refused = [
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
            "<a><!-- c --></a>",
            "<a><![CDATA[x]]></a>", "<a><?p?></a>", "<?p?><a/>", "<a>&b;</a>", "<a>&#0;</a>", "<a>&#xD800;</a>",
            "<a>&#x110000;</a>",
            "<a>&#+65;</a>", "<a>&amp</a>", "<a>]]></a>", "<a b=\"<\"/>", "<a b=\"1\" b=\"2\"/>", "<a b=\"1\"c=\"2\"/>",
            "<a xmlns:p=\"u\" xmlns:q=\"u\" p:b=\"1\" q:b=\"2\"/>", "<p:a/>", "<a p:b=\"1\"/>", "<a xmlns:p=\"\"/>",
            "<a xmlns=\"\"/>",
            "<a xml:lang=\"en\"/>", "<a xmlns:xml=\"http://www.w3.org/XML/1998/namespace\"/>",
            "<a xmlns:p=\"\u{212a}\"/>", "<a></b>",
            "<a>", "<a/><a/>", "<a/>x", "x<a/>", "", "<é/>", "<a>\u{1}</a>", "<a>\u{FFFF}</a>", "<a b='x/>", "< a/>",
            "<a:/>", "<1/>",
            "<?xml version=\"1.1\"?><a/>", "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>", "\u{FEFF}<a/>",
            String(repeating: "<a>", count: 20) + String(repeating: "</a>", count: 20),
            "<a>" + String(repeating: "<b/>", count: 20_001) + "</a>",
            "<a " + (0..<65).map { "b\($0)=\"\"" }.joined(separator: " ") + "/>",
        ]
        for text in refused {
            #expect(throws: ParseError.self, "\(text.prefix(80))") { try XMLReader.document(Array(text.utf8)) }
        }
        #expect(throws: ParseError.self) { try XMLReader.document([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]) }
    }

    /// Examples in the manner of C14N 1.1 §3, for what the subset allows.
    @Test(
        "Canonical forms",
        arguments: [
            ("<a  b = 'x'\n/>", "<a b=\"x\"></a>"), ("<a>\r\n\r</a>", "<a>\n\n</a>"),
            ("<a b='&lt;&quot;&#9;&#10;&#13;&apos;>'/>", "<a b=\"&lt;&quot;&#x9;&#xA;&#xD;'>\"></a>"),
            ("<a>&lt;&gt;&amp;&quot;&#13;</a>", "<a>&lt;&gt;&amp;\"&#xD;</a>"),
            ("<a b='1\t2\n3'/>", "<a b=\"1 2 3\"></a>"),
            (
                "<a z='1' xmlns:y='urn:1' y:c='2' xmlns:x='urn:2' x:c='3' b='4'/>",
                "<a xmlns:x=\"urn:2\" xmlns:y=\"urn:1\" b=\"4\" z=\"1\" y:c=\"2\" x:c=\"3\"></a>"
            ),
            (
                "<a xmlns='u' xmlns:p='v'><b xmlns='u'><p:c xmlns:p='w'><d xmlns='u2' xmlns:p='v'/></p:c></b></a>",
                "<a xmlns=\"u\" xmlns:p=\"v\"><b><p:c xmlns:p=\"w\"><d xmlns=\"u2\" xmlns:p=\"v\"></d></p:c></b></a>"
            ),
            ("<a>é水\u{10348}</a>", "<a>é水\u{10348}</a>"),
        ]
    )
    func canonical(_ text: String, _ wanted: String) throws {
        let root = try XMLReader.document(Array(text.utf8))
        #expect(String(decoding: root.canonical(), as: UTF8.self) == wanted)
        // A canonical form is its own canonical form.
        #expect(String(decoding: try XMLReader.document(root.canonical()).canonical(), as: UTF8.self) == wanted)
    }
}
