// expected: 'read' is borrowed and cannot be consumed
import LMDB

func misuse(_ read: borrowing ReadTransaction) throws(LMDBError) {
  try read.keepTables()
}
