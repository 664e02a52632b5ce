extension Array where Element == UInt8 {
  /// `withUnsafeBytes` that keeps the type of a thrown error.
  func withRawBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe try withUnsafeBufferPointer { (buffer) throws(Failure) -> Result in
      try unsafe body(UnsafeRawBufferPointer(buffer))
    }
  }
}
