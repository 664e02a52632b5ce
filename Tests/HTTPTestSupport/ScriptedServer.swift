#if HTTPEmbedding
  import Foundation
  import NIOCore
  import NIOHTTP1
  import NIOPosix
  public import TestSupport

  /// A server on a free port of this machine that does with each call what a script says.
  public final class ScriptedServer: Sendable {
    /// Says what to do with a call; runs on the server's thread.
    public typealias Script = @Sendable (ServerRequest) -> ServerReply

    /// Raised for each call that is left without an answer.
    public let silence = Signal()
    /// Raised for each connection that has ended.
    public let closing = Signal()
    private let channel: any Channel
    private let log: CallLog

    private init(channel: any Channel, log: CallLog) {
      self.channel = channel
      self.log = log
    }

    /// Runs `body` with a server, which is stopped afterwards, whatever happened.
    public static func with<Result>(
      _ script: @escaping Script = { .vectors(for: $0) },
      _ body: (ScriptedServer) async throws -> Result
    ) async throws -> Result {
      let log = CallLog()
      let hook = Hook()
      let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
        .childChannelInitializer { channel in
          channel.pipeline.configureHTTPServerPipeline().flatMapThrowing {
            let handler = CallHandler(script: script, log: log, hook: hook)
            try channel.pipeline.syncOperations.addHandler(handler)
          }
        }
        .bind(host: "127.0.0.1", port: 0).get()
      let server = ScriptedServer(channel: channel, log: log)
      hook.set(server)
      do {
        let result = try await body(server)
        try await channel.close()
        return result
      } catch {
        try await channel.close()
        throw error
      }
    }

    /// The address for `baseURL`.
    public var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/v1" }
    /// The calls so far, in the order in which they came.
    public var requests: [ServerRequest] { log.requests }
    /// Connections so far.
    public var connections: Int { log.connections }
  }

  /// Gives the handlers the server, which exists only once it is bound.
  private final class Hook: @unchecked Sendable {
    private let lock = NSLock()
    private weak var server: ScriptedServer?

    func set(_ server: ScriptedServer) { lock.withLock { self.server = server } }
    func get() -> ScriptedServer? { lock.withLock { server } }
  }

  private final class CallLog: @unchecked Sendable {
    private let lock = NSLock()
    private var calls: [ServerRequest] = []
    private var opened = 0

    var requests: [ServerRequest] { lock.withLock { calls } }
    var connections: Int { lock.withLock { opened } }

    func connect() { lock.withLock { opened += 1 } }

    func add(path: String, headers: [String: String], body: Data) -> ServerRequest {
      let json: [String: Any]
      do {
        json = try JSONSerialization.jsonObject(with: body) as? [String: Any] ?? [:]
      } catch {
        json = [:]
      }
      let texts = json["input"] as? [String] ?? []
      return lock.withLock {
        let request = ServerRequest(
          number: calls.count,
          attempt: calls.count { $0.texts.first == texts.first },
          path: path,
          headers: headers,
          model: json["model"] as? String,
          texts: texts,
          dimensions: json["dimensions"] as? Int,
          encoding: json["encoding_format"] as? String
        )
        calls.append(request)
        return request
      }
    }
  }

  private final class CallHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let script: ScriptedServer.Script
    private let log: CallLog
    private let hook: Hook
    private var head: HTTPRequestHead?
    private var body = Data()

    init(script: @escaping ScriptedServer.Script, log: CallLog, hook: Hook) {
      self.script = script
      self.log = log
      self.hook = hook
    }

    func channelActive(context: ChannelHandlerContext) {
      log.connect()
      context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
      hook.get()?.closing.raise()
      context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head):
        self.head = head
        body = Data()
      case .body(let part): body.append(contentsOf: part.readableBytesView)
      case .end:
        let names = head?.headers.map { ($0.name.lowercased(), $0.value) } ?? []
        let headers = Dictionary(names) { first, _ in first }
        let request = log.add(path: head?.uri ?? "", headers: headers, body: body)
        reply(script(request), context)
      }
    }

    private func reply(_ reply: ServerReply, _ context: ChannelHandlerContext) {
      switch reply {
      case .silence: hook.get()?.silence.raise()
      case .hangUp: context.close(promise: nil)
      case .half(let body): send(200, [:], Array(body.utf8), share: 2, context)
      case .answer(let status, let headers, let body):
        send(status, headers, Array(body.utf8), share: 1, context)
      }
    }

    /// Sends the whole body, or a share of it before the connection is closed.
    private func send(
      _ status: Int,
      _ headers: [String: String],
      _ body: [UInt8],
      share: Int,
      _ context: ChannelHandlerContext
    ) {
      var head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status))
      for (name, value) in headers { head.headers.add(name: name, value: value) }
      head.headers.add(name: "Content-Length", value: "\(body.count)")
      context.write(wrapOutboundOut(.head(head)), promise: nil)
      let part = context.channel.allocator.buffer(bytes: body.prefix(body.count / share))
      if share == 1 {
        context.write(wrapOutboundOut(.body(.byteBuffer(part))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      } else {
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(part)))).whenComplete { _ in
          channel.close(promise: nil)
        }
      }
    }
  }
#endif
