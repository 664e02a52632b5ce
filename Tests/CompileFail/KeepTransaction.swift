// expected: cannot be consumed when captured by an escaping closure
import LMDB

func misuse(_ environment: Environment) throws(LMDBError) -> () -> Void {
  let read = try ReadTransaction(environment)
  return {
    let kept = read; _ = kept.id
  }
}
