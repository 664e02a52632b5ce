import ArgumentParser
import VDB
import VDBIngest

/// The command `vdbtool query`.
struct QueryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query",
    abstract: "Find the records nearest to a text, to vectors, or to a stored record.",
    discussion: """
      Prints rank, score, id and the start of the text; larger scores are nearer. With --json, one \
      object a query: {"row", "results": [{"id", "distance", "score", "text", "metadata"}]}.

      EXAMPLES
        vdbtool query notes.vdb --vectors questions.npy --limit 5
        vdbtool query notes.vdb --vectors questions.npy --rows 0:3 --exact --json
        vdbtool query notes.vdb --vectors questions.npy --target-recall 0.95
        vdbtool query notes.vdb --text "how do plants make food"
        vdbtool query notes.vdb --text "how do plants make food" --embed openai
        vdbtool query notes.vdb --id n03463561 --limit 10
      """
  )

  @OptionGroup var store: StoreArgument

  @Option(
    help: ArgumentHelp("A file of query vectors, of any format import reads.", valueName: "file"),
    completion: .file()
  )
  var vectors: String?

  @Option(
    help: ArgumentHelp("Only rows A up to but without B of the file.", valueName: "a:b")
  )
  var rows: RowRange?

  @Option(help: "A stored record, whose neighbours are wanted.")
  var id: String?

  @Option(help: ArgumentHelp("A text, embedded by the collection's model.", valueName: "text"))
  var text: String?

  @Option(
    help: ArgumentHelp(
      "What embeds the text, if it is not built in: a folder of a model, or a service: "
        + "\(ServiceOptions.names)."
    )
  )
  var embed: EmbedderName?

  @OptionGroup(title: "Model") var service: ServiceOptions

  @OptionGroup var idOptions: IDOptions
  @OptionGroup var collection: CollectionOption

  @Option(name: .shortAndLong, help: ArgumentHelp("Records a query.", valueName: "k"))
  var limit = 10

  @Option(
    help: ArgumentHelp("Search width: more finds more and takes longer.", valueName: "n")
  )
  var ef: Int?

  @Option(
    help: ArgumentHelp(
      "Instead of a width: the share of the true results to find.",
      valueName: "share"
    )
  )
  var targetRecall: Double?

  @Flag(help: "Compare with every record instead of using the index.")
  var exact = false

  @OptionGroup var json: JSONFlag

  func validate() throws {
    if [vectors, id, text].count(where: { $0 != nil }) != 1 {
      throw ValidationError("Give either --vectors FILE or --text TEXT or --id ID.")
    }
    if embed != nil, text == nil { throw ValidationError("--embed goes with --text.") }
    try service.validate(with: embed)
    if service.model != nil, embed?.isService != true {
      throw ValidationError(
        "--model goes with an --embed that is a service: \(ServiceOptions.names)."
      )
    }
    if rows != nil, vectors == nil { throw ValidationError("--rows goes with --vectors.") }
    try requirePositive(limit, "limit")
    try requirePositive(ef, "ef")
    if let targetRecall {
      guard targetRecall > 0, targetRecall <= 1 else {
        throw ValidationError("--target-recall must be more than 0 and at most 1.")
      }
      if ef != nil || exact {
        throw ValidationError("--target-recall goes with neither --ef nor --exact.")
      }
    }
  }

  func run() async throws {
    // The file first: what is wrong with it is cheaper to find out.
    let source = try vectors.map { try QuerySource(path: $0, rows: rows) }
    try await VectorStore.reading(store.store) { store in
      try warnIfNotPromised(in: store)
      if let source { try await search(source, in: store) }
      if let text { try await search(text, in: store) }
      if let id { try search(near: id, in: store) }
    }
  }

  /// Says so when the recall asked for is a guess.
  private func warnIfNotPromised(in store: VectorStore) throws {
    guard let targetRecall else { return }
    let choice = try store.recallChoice(
      for: targetRecall,
      in: collection.collection,
      limit: limit
    )
    guard !choice.isPromised else { return }
    let reason =
      choice.estimate == nil
      ? "the collection is not calibrated; 'vdbtool index' does it"
      : "the calibration does not reach it"
    StandardError.write("vdbtool: recall \(targetRecall) is not promised: \(reason).\n")
  }

  private func search(_ text: String, in store: VectorStore) async throws {
    let info = try store.collection(collection.collection)
    let embedder = try await EmbedderName.query(embed, service, for: info)
    // Cleaned as the stored texts were, so that the same text is found at distance 0.
    let vector = try await embedder.embed(CleaningChain.standard.clean(text) ?? text)
    let results = try store.search(
      vector,
      in: collection.collection,
      limit: limit,
      efSearch: ef,
      targetRecall: targetRecall,
      exact: exact
    )
    guard json.json else { return try StandardOutput.write(RecordText.table(results)) }
    try StandardOutput.writeJSON {
      $0.member("query", text)
      RecordText.write(results, to: &$0)
    }
  }

  private func search(_ queries: QuerySource, in store: VectorStore) async throws {
    var source = queries
    var writer = JSONWriter()
    // Chunks small enough that the first answers come soon.
    while let (first, rows) = try source.next(256) {
      let answers = try await store.searchBatch(
        rows,
        in: collection.collection,
        limit: limit,
        efSearch: ef,
        targetRecall: targetRecall,
        exact: exact
      )
      var text = ""
      for (index, results) in answers.enumerated() {
        if json.json {
          writer.object {
            $0.member("row", first + index)
            RecordText.write(results, to: &$0)
          }
          writer.newline()
        } else {
          text += "Row \(first + index)\n" + RecordText.table(results)
        }
      }
      try StandardOutput.write(json.json ? writer.bytes : Array(text.utf8))
      writer.reset()
    }
  }

  private func search(near text: String, in store: VectorStore) throws {
    guard let id = try idOptions.resolve([text], in: collection.collection, of: store)[0] else {
      throw Failure(
        status: .data,
        message: "There is no record '\(text)' in '\(collection.collection)'. Check the id."
      )
    }
    let results = try store.search(
      near: id,
      in: collection.collection,
      limit: limit,
      efSearch: ef,
      targetRecall: targetRecall,
      exact: exact
    )
    guard json.json else { return try StandardOutput.write(RecordText.table(results)) }
    try StandardOutput.writeJSON {
      $0.key("id")
      $0.id(id)
      RecordText.write(results, to: &$0)
    }
  }
}
