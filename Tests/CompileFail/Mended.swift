// The control: what the programs beside it do, done rightly.
import LMDB

func use(_ environment: Environment, _ table: Table) throws(LMDBError) {
  var write = try WriteTransaction(environment)
  try write.put([1], forKey: [1], in: table)
  try write.commit()
  let read = try ReadTransaction(environment)
  _ = try read.statistics(of: table)
  try read.keepTables()
}

func use(_ read: borrowing ReadTransaction) -> Int { read.id }

func use(_ environment: Environment) async throws(LMDBError) -> Int {
  try ReadTransaction(environment).id
}
