internal import Foundation
internal import VDB

/// Texts of the `.txt` and `.md` files in a folder and its subfolders, cut into pieces.
///
/// A piece's id is `path#n`, from 0, with the path within the folder: the same in every run, so that
/// importing again replaces what changed. Its metadata has `path`, `chunk` and, in Markdown, `heading`.
public final class FolderSource: ResumableSource {
  private let folder: String
  private let paths: [String]
  private let chunker: Chunker
  private var file = 0
  private var waiting: ArraySlice<TextEntry> = []

  /// Not known before reading.
  public var count: Int? { nil }
  /// Files read of those there are.
  public var share: Double? { paths.isEmpty ? 1 : Double(file) / Double(paths.count) }

  /// Lists the folder; files are read as they are needed, in the order of their paths.
  ///
  /// - Parameters:
  ///   - path: The folder. Hidden files are left out.
  ///   - chunker: How texts are cut.
  /// - Throws: ``VectorFileError``.
  public init(path: String, chunker: Chunker = Chunker()) throws(VectorFileError) {
    folder = path
    self.chunker = chunker
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw VectorFileError(
        path: path,
        kind: .missing,
        reason: "there is no such folder",
        remedy: "Check the path"
      )
    }
    guard isFolder.boolValue, let all = FileManager.default.enumerator(atPath: path) else {
      throw VectorFileError(
        path: path,
        reason: "this is no folder that can be read",
        remedy: "Give the path of a folder of .txt and .md files"
      )
    }
    paths = all.compactMap { $0 as? String }
      .filter { $0.hasSuffix(".txt") || $0.hasSuffix(".md") || $0.hasSuffix(".markdown") }
      .filter { !$0.split(separator: "/").contains { $0.hasPrefix(".") } }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The next pieces; `nil` after the last one.
  ///
  /// - Throws: ``VectorFileError`` for a file that cannot be read or is not UTF-8.
  public func next(_ limit: Int) throws -> [TextEntry]? {
    var entries: [TextEntry] = []
    while entries.count < limit {
      if waiting.isEmpty {
        guard file < paths.count else { break }
        waiting = try read(paths[file])[...]
        file += 1
      }
      let part = waiting.prefix(limit - entries.count)
      entries += part
      waiting = waiting.dropFirst(part.count)
    }
    return entries.isEmpty ? nil : entries
  }

  /// The folder with the names, sizes and times of its files.
  public var identity: SourceIdentity? {
    var state = "folder, \(chunker.words) words, \(chunker.overlap) again, \(chunker.readsHeadings)"
    for path in paths {
      do {
        let file = try FileManager.default.attributesOfItem(atPath: folder + "/" + path)
        let changed = (file[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        state += "\n\(path) \(file[.size] ?? 0) \(changed)"
      } catch {
        return nil
      }
    }
    let name = URL(filePath: folder).resolvingSymlinksInPath().path()
    return SourceIdentity(name: name, state: "\(ContentHash(state).id)")
  }

  /// Files read, and pieces of the last one that are not handed out.
  public var position: SourcePosition { SourcePosition(offset: file, line: waiting.count) }

  /// Goes to a file and the pieces that were left of the one before.
  ///
  /// - Throws: ``VectorFileError``.
  public func skip(to position: SourcePosition) throws {
    file = min(position.offset, paths.count)
    waiting = []
    if position.line > 0, file > 0 { waiting = try read(paths[file - 1]).suffix(position.line) }
  }

  private func read(_ path: String) throws(VectorFileError) -> [TextEntry] {
    let full = folder + "/" + path
    let input = try InputFile(full, as: .regular)
    let bytes = try input.readValues(input.size ?? 0, as: UInt8.self)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw VectorFileError(
        path: full,
        reason: "the file is not UTF-8",
        remedy: "Convert it first: iconv -f … -t UTF-8"
      )
    }
    let isMarkdown = !path.hasSuffix(".txt")
    let chunker = Chunker(
      words: chunker.words,
      overlap: chunker.overlap,
      readsHeadings: isMarkdown && chunker.readsHeadings
    )
    return chunker.chunks(of: text).enumerated().map { number, chunk in
      var metadata: Metadata = ["path": .string(path), "chunk": .int(Int64(number))]
      if let heading = chunk.heading { metadata["heading"] = .string(heading) }
      return TextEntry(id: .string("\(path)#\(number)"), text: chunk.text, metadata: metadata)
    }
  }
}
