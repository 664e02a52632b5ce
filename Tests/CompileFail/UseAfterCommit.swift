// expected: 'write' used after consume
import LMDB

func misuse(_ environment: Environment, _ table: Table) throws(LMDBError) {
  var write = try WriteTransaction(environment)
  try write.commit()
  try write.put([1], forKey: [1], in: table)
}
