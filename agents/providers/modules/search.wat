;; All ways to place n queens on an n by n board so that none attacks another.
;;
;; The input is one byte, n, from 1 to 12. The output is every solution, n bytes each: the column
;; of the queen in row 0, 1, ... n-1, solutions in lexicographic order. A buyer checks one solution
;; at a glance, and their completeness by running the search again.
;;
;; One row is decided at a time. Three sets of columns, as bits, say where its queen may not stand:
;; under an earlier queen, and on her two diagonals, which move one column a row. A set of allowed
;; columns is walked from its lowest bit upwards, and that gives the order.
;;
;; Memory, in bytes: 0 the placement under way, 16 the input, 32 the solutions (n = 12 has 14,200).
(module
  (memory (export "memory") 3 3)
  (global $n (mut i32) (i32.const 0))
  (global $end (mut i32) (i32.const 32))

  ;; One byte is taken and no more, so that each search has one input.
  (func (export "input") (param $length i32) (result i32)
    (if (i32.ne (local.get $length) (i32.const 1)) (then unreachable))
    (i32.const 16))

  (func $keep
    (local $row i32)
    (loop $copy
      (i32.store8 (global.get $end) (i32.load8_u (local.get $row)))
      (global.set $end (i32.add (global.get $end) (i32.const 1)))
      (local.set $row (i32.add (local.get $row) (i32.const 1)))
      (br_if $copy (i32.lt_u (local.get $row) (global.get $n)))))

  (func $place (param $row i32) (param $columns i32) (param $left i32) (param $right i32)
    (local $allowed i32)
    (local $queen i32)
    (if (i32.eq (local.get $row) (global.get $n)) (then (call $keep) (return)))
    (local.set $allowed
      (i32.and
        (i32.xor
          (i32.or (i32.or (local.get $columns) (local.get $left)) (local.get $right))
          (i32.const -1))
        (i32.sub (i32.shl (i32.const 1) (global.get $n)) (i32.const 1))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $allowed)))
        ;; x & -x is the lowest bit of x.
        (local.set $queen
          (i32.and (local.get $allowed) (i32.sub (i32.const 0) (local.get $allowed))))
        (local.set $allowed (i32.xor (local.get $allowed) (local.get $queen)))
        (i32.store8 (local.get $row) (i32.ctz (local.get $queen)))
        (call $place
          (i32.add (local.get $row) (i32.const 1))
          (i32.or (local.get $columns) (local.get $queen))
          (i32.shl (i32.or (local.get $left) (local.get $queen)) (i32.const 1))
          (i32.shr_u (i32.or (local.get $right) (local.get $queen)) (i32.const 1)))
        (br $next))))

  (func (export "run") (param $pointer i32) (param $length i32) (result i64)
    (global.set $n (i32.load8_u (local.get $pointer)))
    ;; n - 1 as an unsigned number: 0 wraps round and is refused with the large ones.
    (if (i32.ge_u (i32.sub (global.get $n) (i32.const 1)) (i32.const 12)) (then unreachable))
    (call $place (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (i64.or
      (i64.const 0x0000002000000000)  ;; at 32
      (i64.extend_i32_u (i32.sub (global.get $end) (i32.const 32))))))
