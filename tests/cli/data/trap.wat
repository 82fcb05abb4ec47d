;; Divides by zero, two calls deep.
(module $trap
  (memory (export "memory") 1)
  (func $divide (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func $outer (result i32) (i32.add (call $divide (i32.const 7) (i32.const 0)) (i32.const 1)))
  (func $main (export "_start") (drop (call $outer))))
