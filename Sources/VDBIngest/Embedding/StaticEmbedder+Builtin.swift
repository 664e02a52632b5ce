internal import CBuiltinModel

extension StaticEmbedder {
  /// The model that is part of the program: `static-en-256`, English, 256 numbers.
  ///
  /// Needs no file and no network. Made from all-MiniLM-L6-v2 and WordNet; the README beside the model
  /// says how, and how near it comes. The first call reads it (some milliseconds), later ones share it.
  ///
  /// - Throws: if the program was built by a compiler that cannot put files into it.
  public static func builtin() throws(VectorFileError) -> StaticEmbedder {
    try loaded.get()
  }

  private static let loaded = Result { () throws(VectorFileError) in
    let table = unsafe cbm_table()
    guard unsafe table.count > 0 else {
      throw VectorFileError(
        path: "static-en-256",
        kind: .missing,
        reason: "the compiler that built this program could not put the model into it",
        remedy: "Build with Swift 6.2 or later, or load the model from its folder"
      )
    }
    return try unsafe StaticEmbedder(
      ModelFiles(
        table: file("model.safetensors", table),
        vocabulary: file("vocab.txt", cbm_vocabulary()),
        configuration: file("config.json", cbm_configuration())
      )
    )
  }

  private static func file(_ name: String, _ contents: CBMFile) -> ModelFiles.File {
    let bytes = unsafe UnsafeRawBufferPointer(start: contents.bytes, count: contents.count)
    return ModelFiles.File(path: "static-en-256/" + name, bytes: unsafe Array(bytes))
  }
}
