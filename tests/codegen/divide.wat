(module
  (func (param $x i32) (result i32) (i32.div_u (local.get $x) (i32.const 10)))
  (func (param $x i32) (result i32) (i32.rem_s (local.get $x) (i32.const 8)))
  (func (param $x i64) (param $y i64) (result i64) (i64.div_s (local.get $x) (local.get $y))))
