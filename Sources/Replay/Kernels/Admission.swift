enum Admission {
    static func faults(in spec: ReplaySpec, sources: [[UInt8]]) -> [AdmissionFault] { [] }
}
