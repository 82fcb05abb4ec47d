(module
  (memory 1)
  ;; Constants become displacements; an i32 shift is never part of an address,
  ;; because it wraps; an offset beyond the guard is checked.
  (func (param $i i32) (result i32)
    (i32.load offset=64 (i32.const 1024))
    (i32.load (i32.shl (local.get $i) (i32.const 3)))
    i32.xor
    (i32.load offset=0x4000000 (local.get $i))
    i32.xor)
  (func (param $x i64)
    (i32.store8 offset=7 (i32.wrap_i64 (local.get $x)) (i32.const 200))))
