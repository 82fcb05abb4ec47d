;; Functions to call by --invoke.
(module $library
  (memory (export "memory") 1)
  (global $calls (export "calls") (mut i32) (i32.const 0))
  (table (export "table") 2 funcref)
  (func (export "_initialize") (global.set $calls (i32.const 5)))
  (func (export "calls_so_far") (result i32) (global.get $calls))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "numbers") (param i32 i64 f32 f64) (result i32 i64 f32 f64)
    (local.get 0) (local.get 1) (local.get 2) (local.get 3))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
