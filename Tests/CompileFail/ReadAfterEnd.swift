// expected: 'read' used after consume
import LMDB

func misuse(_ environment: Environment, _ table: Table) throws(LMDBError) {
  let read = try ReadTransaction(environment)
  try read.keepTables()
  _ = try read.statistics(of: table)
}
