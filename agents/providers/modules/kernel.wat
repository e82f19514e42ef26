;; Heat spreading over a plate: Jacobi sweeps of the Laplace equation in double precision.
;;
;; The input is three little-endian 32-bit numbers, rows, columns and sweeps, four bytes of zeros,
;; and the plate as rows of little-endian doubles. The output is the plate after the sweeps. The rim
;; keeps its values; each inner point becomes the mean of its four neighbours,
;;
;;     ((north + south) + (west + east)) * 0.25
;;
;; in exactly this order, for floating-point addition is not associative. Every operation is IEEE
;; 754 with one rounding and NaNs have one bit pattern, so any machine gives the same bytes.
;;
;; Two plates lie behind each other: a sweep reads one and writes the other, then they change
;; places. Reading and writing the same plate would be Gauss-Seidel, whose result depends on the
;; order of the points.
(module
  ;; 140 pages hold two plates of the largest input that a job may carry, 4 MiB.
  (memory (export "memory") 1 140)
  (global $stride (mut i32) (i32.const 0))  ;; bytes a row
  (global $size (mut i32) (i32.const 0))    ;; bytes a plate

  ;; Makes room for the input at 0 and for a second plate after it.
  (func (export "input") (param $length i32) (result i32)
    (local $missing i32)
    (local.set $missing
      (i32.sub
        (i32.shr_u
          (i32.add (i32.shl (local.get $length) (i32.const 1)) (i32.const 65535))
          (i32.const 16))
        (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then
        (if (i32.lt_s (memory.grow (local.get $missing)) (i32.const 0)) (then unreachable))))
    (i32.const 0))

  ;; Refuses a header that does not describe the bytes behind it. The product is taken in 64 bits,
  ;; where two 32-bit numbers cannot wrap round to a size that happens to fit.
  (func $measure (param $pointer i32) (param $length i32)
    (local $points i64)
    ;; A plate of no points has no rim, and a sweep would not know where to end.
    (if (i32.lt_u (local.get $length) (i32.const 24)) (then unreachable))
    (local.set $points
      (i64.mul
        (i64.load32_u (local.get $pointer))
        (i64.load32_u offset=4 (local.get $pointer))))
    (if (i64.ne
          (local.get $points)
          (i64.extend_i32_u (i32.shr_u (i32.sub (local.get $length) (i32.const 16)) (i32.const 3))))
      (then unreachable))
    (if (i32.and (local.get $length) (i32.const 7)) (then unreachable))
    (if (i32.load offset=12 (local.get $pointer)) (then unreachable))
    (global.set $size (i32.sub (local.get $length) (i32.const 16)))
    (global.set $stride (i32.shl (i32.load offset=4 (local.get $pointer)) (i32.const 3))))

  (func $mean (param $point i32) (result f64)
    (f64.mul
      (f64.add
        (f64.add
          (f64.load (i32.sub (local.get $point) (global.get $stride)))
          (f64.load (i32.add (local.get $point) (global.get $stride))))
        (f64.add
          (f64.load (i32.sub (local.get $point) (i32.const 8)))
          (f64.load offset=8 (local.get $point))))
      (f64.const 0.25)))

  ;; One sweep over the inner points, row by row; $shift leads from one plate to the other. A plate
  ;; of fewer than three rows or columns is all rim and stays as it is.
  (func $sweep (param $plate i32) (param $shift i32)
    (local $point i32)
    (local $row_end i32)
    (local $last_row i32)
    (local.set $last_row
      (i32.sub (i32.add (local.get $plate) (global.get $size)) (global.get $stride)))
    (local.set $row_end (i32.add (local.get $plate) (global.get $stride)))
    (block $done
      (loop $row
        (local.set $point (i32.add (local.get $row_end) (i32.const 8)))
        (br_if $done (i32.ge_u (local.get $row_end) (local.get $last_row)))
        (local.set $row_end (i32.add (local.get $row_end) (global.get $stride)))
        (loop $column
          (br_if $row (i32.ge_u (local.get $point) (i32.sub (local.get $row_end) (i32.const 8))))
          (f64.store
            (i32.add (local.get $point) (local.get $shift))
            (call $mean (local.get $point)))
          (local.set $point (i32.add (local.get $point) (i32.const 8)))
          (br $column)))))

  (func (export "run") (param $pointer i32) (param $length i32) (result i64)
    (local $plate i32)
    (local $shift i32)
    (local $sweeps i32)
    (call $measure (local.get $pointer) (local.get $length))
    (local.set $sweeps (i32.load offset=8 (local.get $pointer)))
    (local.set $plate (i32.add (local.get $pointer) (i32.const 16)))
    (local.set $shift (global.get $size))
    ;; The rim of the second plate is never written again.
    (memory.copy
      (i32.add (local.get $plate) (local.get $shift))
      (local.get $plate)
      (global.get $size))
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $sweeps)))
        (call $sweep (local.get $plate) (local.get $shift))
        (local.set $plate (i32.add (local.get $plate) (local.get $shift)))
        (local.set $shift (i32.sub (i32.const 0) (local.get $shift)))
        (local.set $sweeps (i32.sub (local.get $sweeps) (i32.const 1)))
        (br $again)))
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $plate)) (i64.const 32))
      (i64.extend_i32_u (global.get $size)))))
