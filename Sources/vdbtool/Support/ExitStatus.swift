/// How the process ends; the numbers are those of sysexits.h and documented in `vdbtool --help`.
enum ExitStatus: Int32, Sendable {
  case done = 0
  case problemsFound = 1
  case usage = 64
  case data = 65
  case noInput = 66
  case `internal` = 70
  case cannotCreate = 73
  case io = 74
  case tryAgain = 75
  case permission = 77
  case interrupted = 130

  /// The name in the error object that `--json` writes.
  var name: String {
    switch self {
    case .done: "done"
    case .problemsFound: "problems_found"
    case .usage: "usage"
    case .data: "data"
    case .noInput: "no_input"
    case .internal: "internal"
    case .cannotCreate: "cannot_create"
    case .io: "io"
    case .tryAgain: "try_again"
    case .permission: "permission"
    case .interrupted: "interrupted"
    }
  }
}
