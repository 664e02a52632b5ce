/// Why a file of vectors or records was refused: which file, where in it, what is wrong, what to do.
public struct VectorFileError: Error, Hashable, Sendable {
  /// The kind of trouble, for exit codes and retries.
  public enum Kind: String, Sendable, Codable {
    /// There is no such file.
    case missing
    /// The file may not be read.
    case permissionDenied
    /// The operating system failed to read it.
    case unreadable
    /// What is in it is not what its format promises, or a form that is not read here.
    case invalid
  }

  /// Where in the file.
  public enum Place: Hashable, Sendable {
    /// The file as a whole.
    case file
    /// A byte from the file's start.
    case offset(Int)
    /// A row, from 0.
    case row(Int)
    /// A line and a byte of it, both from 1.
    case line(Int, column: Int?)
  }

  /// The path as it was given; `-` is standard input.
  public let path: String
  /// The kind of trouble.
  public let kind: Kind
  /// Where in the file.
  public let place: Place
  /// What is wrong, without a full stop.
  public let reason: String
  /// What to do about it, without a full stop.
  public let remedy: String

  /// An error about `path`; texts are given without a full stop.
  public init(
    path: String,
    kind: Kind = .invalid,
    place: Place = .file,
    reason: String,
    remedy: String
  ) {
    self.path = path
    self.kind = kind
    self.place = place
    self.reason = reason
    self.remedy = remedy
  }
}

extension VectorFileError: CustomStringConvertible {
  /// File, place, what is wrong and the remedy, for a person.
  public var description: String {
    let name = path == "-" ? "Standard input" : "'\(path)'"
    let location =
      switch place {
      case .file: name
      case .offset(let offset): "\(name), byte \(offset)"
      case .row(let row): "\(name), row \(row)"
      case .line(let line, nil): "\(name), line \(line)"
      case .line(let line, let column?): "\(name), line \(line), column \(column)"
      }
    return "\(location): \(reason). \(remedy)."
  }
}
