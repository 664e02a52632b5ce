import VDB
import VDBIngest

/// Why a command ends early: its exit status, and one sentence with the remedy.
struct Failure: Error {
  var status: ExitStatus
  /// `nil` if there is nothing to say: the reader went away, or the report says it all.
  var message: String?

  init(status: ExitStatus, message: String?) {
    self.status = status
    self.message = message
  }

  /// The same error, said to have happened at `place`.
  init(_ error: any Error, at place: String) {
    let inner = Failure(error) ?? Failure(status: .internal, message: "\(error)")
    self.init(status: inner.status, message: "\(place): \(inner.message ?? "")")
  }

  /// `nil` for errors that are the argument parser's own.
  init?(_ error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case let error as VectorStoreError:
      self.init(status: Self.status(of: error), message: error.description)
    case let error as VectorFileError:
      let status: ExitStatus =
        switch error.kind {
        case .missing: .noInput
        case .permissionDenied: .permission
        case .unreadable: .io
        case .invalid: .data
        }
      self.init(status: status, message: error.description)
    case let error as EmbeddingError:
      let status: ExitStatus =
        switch error {
        case .invalidSetting: .usage
        case .cancelled: .interrupted
        default: .data
        }
      self.init(status: status, message: error.description)
    case is CancellationError: self.init(status: .interrupted, message: "Interrupted.")
    default: return nil
    }
  }

  private static func status(of error: VectorStoreError) -> ExitStatus {
    switch error {
    case .notFound: .noInput
    case .locked, .alreadyOpen, .tooManyReaders: .tryAgain
    case .permissionDenied, .readOnly: .permission
    case .unsupportedFileSystem, .folderNotFound: .cannotCreate
    case .diskFull, .mapFull, .io, .outcomeUnknown, .writesRefused: .io
    case .corrupted, .closed, .forked: .internal
    case .cancelled: .interrupted
    case .invalidArgument, .invalidCollectionName: .usage
    default: .data
    }
  }

  /// The object that `--json` writes to standard error.
  var json: String {
    var writer = JSONWriter()
    writer.object {
      $0.key("error")
      $0.object {
        $0.member("code", status.name)
        $0.member("message", message ?? "")
      }
    }
    return writer.text
  }
}
