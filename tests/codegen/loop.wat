(module
  (memory 1)
  ;; The locals of a loop stay in registers, an index is scaled by lea, a load is
  ;; folded into its user, and a comparison into its branch.
  (func (param $p i32) (param $n i32) (result i32) (local $s i32) (local $i i32)
    (block $out
      (loop $again
        (br_if $out (i32.ge_u (local.get $i) (local.get $n)))
        (local.set $s (i32.add (local.get $s)
          (i32.load (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2))))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $again)))
    (local.get $s)))
