// expected: has non-Copyable type 'WriteTransaction'
import LMDB

struct Holder: Copyable {
  let write: WriteTransaction
}
