// `assay`: everything is in `AssayCommands`, where it is tested.
import AssayCommands
import Foundation

exit(await CommandLineTool.runProcess())
