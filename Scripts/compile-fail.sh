#!/usr/bin/env bash
# Misuse that the compiler must reject: each program in Tests/CompileFail must fail to compile, and
# with the text behind "expected:" on its first line. Mended.swift is their control: it must compile,
# so that a wrong search path cannot pass for a rejection.
set -euo pipefail
cd "$(dirname "$0")/.."

swift build --target LMDB > /dev/null
modules="$(swift build --show-bin-path)/Modules"
# `package` declarations are seen within the package only, which SwiftPM names after its folder.
package="$(basename "$PWD" | tr 'A-Z' 'a-z' | tr -c 'a-z0-9_\n' '_')"
compile() {
  swiftc -swift-version 6 -package-name "$package" -I "$modules" -I Sources/CLMDB \
    -emit-sil -o /dev/null "$1" 2>&1
}

control=Tests/CompileFail/Mended.swift
output="$(compile "$control")" || { echo "does not compile: $control"; echo "$output"; exit 1; }

count=0
for file in Tests/CompileFail/*.swift; do
  [ "$file" != "$control" ] || continue
  expected="$(sed -n '1s|^// expected: ||p' "$file")"
  [ -n "$expected" ] || { echo "says not what to expect: $file"; exit 1; }
  if output="$(compile "$file")"; then echo "compiled, but must not: $file"; exit 1; fi
  case "$output" in
    *"error: "*"$expected"*) count=$((count + 1)) ;;
    *) echo "wrong diagnostic for $file, expected: $expected"; echo "$output"; exit 1 ;;
  esac
done
[ "$count" -gt 0 ] || { echo "no programs in Tests/CompileFail"; exit 1; }
echo "compile-fail: $count programs rejected as expected"
