;; Wants functions of an embedder.
(module
  (import "env" "draw" (func $draw (param i32 f32)))
  (import "wbg" "__wbindgen_throw" (func (param i32 i32)))
  (func (export "_start") (call $draw (i32.const 1) (f32.const 2))))
