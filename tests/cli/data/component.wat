;; A component, not a core module.
(component
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance))
  (component $inner)
  (instance $made (instantiate $inner))
  (export "wasi:cli/run@0.2.0" (instance $made)))
