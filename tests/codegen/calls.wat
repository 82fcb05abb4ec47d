(module
  (type $f (func (param i32) (result i32)))
  (import "m" "f" (func $imported (type $f)))
  (table 3 funcref)
  (elem (i32.const 0) $double $imported)
  ;; A table that nobody else sees: its copy beside the code is read. Operands that
  ;; live across the calls are in the frame; context and base are loaded when needed.
  (func (param $i i32) (result i32)
    (i32.add
      (call_indirect (type $f) (local.get $i) (i32.const 2))
      (call $double (call $imported (local.get $i)))))
  (func $double (type $f) (i32.mul (local.get 0) (i32.const 2)))
  (func (type $f) (return_call $double (local.get 0)))
  ;; A tail call with more stack arguments than its caller has: all of them move.
  (func $seven (param i32 i32 i32 i32 i32 i32 i32) (result i32) (local.get 6))
  (func (type $f)
    (return_call $seven (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4)
      (i32.const 5) (i32.const 6) (local.get 0))))
