// expected: is unavailable from asynchronous contexts
import LMDB

func misuse(_ environment: Environment) async throws(LMDBError) {
  let write = try WriteTransaction(environment)
  try write.commit()
}
