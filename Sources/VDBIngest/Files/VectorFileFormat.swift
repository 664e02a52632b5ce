/// The forms in which vectors are read, told apart by the file's name.
public enum VectorFileFormat: String, Sendable, CaseIterable {
  /// NumPy's array file, versions 1 to 3.
  case npy
  /// Rows of float32, each after its dimension as int32.
  case fvecs
  /// Rows of bytes, each after its dimension as int32.
  case bvecs
  /// Rows of int32, each after its dimension as int32: row numbers of a truth file.
  case ivecs
  /// uint32 rows, uint32 columns, then float32.
  case fbin
  /// uint32 rows, uint32 columns, then unsigned bytes.
  case u8bin
  /// uint32 rows, uint32 columns, then signed bytes.
  case i8bin
  /// uint32 rows, uint32 columns, then int32: row numbers of a truth file.
  case ibin
  /// One JSON object a line.
  case jsonLines

  /// The format that the path's extension names; `-` is JSON Lines on standard input.
  public init(path: String) throws(VectorFileError) {
    if path == "-" {
      self = .jsonLines
      return
    }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let end = name.split(separator: ".", omittingEmptySubsequences: false).last ?? ""
    switch end.lowercased() {
    case "jsonl", "ndjson", "json": self = .jsonLines
    case "gz", "zst", "xz", "bz2", "npz", "zip":
      throw VectorFileError(
        path: path,
        reason: "compressed files are not read",
        remedy: "Unpack it first, or for JSON Lines: gunzip -c FILE | vdbtool import STORE "
          + "--vectors VECTORS --records -"
      )
    case let known:
      guard let format = VectorFileFormat(rawValue: known), format != .jsonLines else {
        throw VectorFileError(
          path: path,
          reason: "the name ends in none of the known formats",
          remedy: "Use .npy, .fvecs, .bvecs, .fbin, .u8bin, .i8bin or .jsonl"
        )
      }
      self = format
    }
  }
}
