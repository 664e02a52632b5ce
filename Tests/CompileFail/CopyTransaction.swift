// expected: 'copy' cannot be applied to noncopyable types
import LMDB

func misuse(_ environment: Environment) throws(LMDBError) -> Int {
  let read = try ReadTransaction(environment)
  let second = copy read
  return second.id
}
