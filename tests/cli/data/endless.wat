;; _start never ends; `recurse` calls itself without end.
(module $endless
  (memory (export "memory") 1)
  (func $spin (export "_start") (loop $again (br $again)))
  (func $recurse (export "recurse") (result i32) (i32.add (call $recurse) (i32.const 1))))
