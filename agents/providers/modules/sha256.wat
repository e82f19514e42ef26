;; SHA-256 (FIPS 180-4) of the input; the output is the 32 bytes of the digest.
;;
;; The useful work of a seller who hashes what a buyer does not want to hash. Memory, in bytes:
;;
;;     0     64 round constants: cube roots of the first 64 primes, fractional part
;;     256   64 words of the message schedule, rebuilt for each block
;;     512    8 words of state; at first the square roots of the first 8 primes
;;     1024  the input, then its padding
;;
;; WebAssembly is little-endian and SHA-256 is not: words are turned round when the message is
;; read and when the digest is written, and nowhere else.
(module
  ;; 67 pages hold the largest input that a job may carry, 4 MiB, and its padding.
  (memory (export "memory") 1 67)

  (data (i32.const 0)
    "\98\2f\8a\42\91\44\37\71\cf\fb\c0\b5\a5\db\b5\e9"
    "\5b\c2\56\39\f1\11\f1\59\a4\82\3f\92\d5\5e\1c\ab"
    "\98\aa\07\d8\01\5b\83\12\be\85\31\24\c3\7d\0c\55"
    "\74\5d\be\72\fe\b1\de\80\a7\06\dc\9b\74\f1\9b\c1"
    "\c1\69\9b\e4\86\47\be\ef\c6\9d\c1\0f\cc\a1\0c\24"
    "\6f\2c\e9\2d\aa\84\74\4a\dc\a9\b0\5c\da\88\f9\76"
    "\52\51\3e\98\6d\c6\31\a8\c8\27\03\b0\c7\7f\59\bf"
    "\f3\0b\e0\c6\47\91\a7\d5\51\63\ca\06\67\29\29\14"
    "\85\0a\b7\27\38\21\1b\2e\fc\6d\2c\4d\13\0d\38\53"
    "\54\73\0a\65\bb\0a\6a\76\2e\c9\c2\81\85\2c\72\92"
    "\a1\e8\bf\a2\4b\66\1a\a8\70\8b\4b\c2\a3\51\6c\c7"
    "\19\e8\92\d1\24\06\99\d6\85\35\0e\f4\70\a0\6a\10"
    "\16\c1\a4\19\08\6c\37\1e\4c\77\48\27\b5\bc\b0\34"
    "\b3\0c\1c\39\4a\aa\d8\4e\4f\ca\9c\5b\f3\6f\2e\68"
    "\ee\82\8f\74\6f\63\a5\78\14\78\c8\84\08\02\c7\8c"
    "\fa\ff\be\90\eb\6c\50\a4\f7\a3\f9\be\f2\78\71\c6")
  (data (i32.const 512)
    "\67\e6\09\6a\85\ae\67\bb\72\f3\6e\3c\3a\f5\4f\a5"
    "\7f\52\0e\51\8c\68\05\9b\ab\d9\83\1f\19\cd\e0\5b")

  ;; Makes room for the input and for up to 72 bytes of padding.
  (func (export "input") (param $length i32) (result i32)
    (local $missing i32)
    (local.set $missing
      (i32.sub
        (i32.shr_u (i32.add (local.get $length) (i32.const 66631)) (i32.const 16))
        (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then
        (if (i32.lt_s (memory.grow (local.get $missing)) (i32.const 0)) (then unreachable))))
    (i32.const 1024))

  (func $reversed (param $word i32) (result i32)
    (i32.or
      (i32.and (i32.rotl (local.get $word) (i32.const 8)) (i32.const 0x00ff00ff))
      (i32.and (i32.rotr (local.get $word) (i32.const 8)) (i32.const 0xff00ff00))))

  ;; The small sigmas of section 4.1.2, which spread a message word over the schedule.
  (func $sigma0 (param $x i32) (result i32)
    (i32.xor
      (i32.xor
        (i32.rotr (local.get $x) (i32.const 7))
        (i32.rotr (local.get $x) (i32.const 18)))
      (i32.shr_u (local.get $x) (i32.const 3))))

  (func $sigma1 (param $x i32) (result i32)
    (i32.xor
      (i32.xor
        (i32.rotr (local.get $x) (i32.const 17))
        (i32.rotr (local.get $x) (i32.const 19)))
      (i32.shr_u (local.get $x) (i32.const 10))))

  ;; The large sigmas, which mix the state.
  (func $Sigma0 (param $a i32) (result i32)
    (i32.xor
      (i32.xor
        (i32.rotr (local.get $a) (i32.const 2))
        (i32.rotr (local.get $a) (i32.const 13)))
      (i32.rotr (local.get $a) (i32.const 22))))

  (func $Sigma1 (param $e i32) (result i32)
    (i32.xor
      (i32.xor
        (i32.rotr (local.get $e) (i32.const 6))
        (i32.rotr (local.get $e) (i32.const 11)))
      (i32.rotr (local.get $e) (i32.const 25))))

  ;; Each bit of e chooses between the bits of f and g.
  (func $choice (param $e i32) (param $f i32) (param $g i32) (result i32)
    (i32.xor
      (i32.and (local.get $e) (local.get $f))
      (i32.and (i32.xor (local.get $e) (i32.const -1)) (local.get $g))))

  ;; Each bit is what at least two of the three bits are.
  (func $majority (param $a i32) (param $b i32) (param $c i32) (result i32)
    (i32.xor
      (i32.xor
        (i32.and (local.get $a) (local.get $b))
        (i32.and (local.get $a) (local.get $c)))
      (i32.and (local.get $b) (local.get $c))))

  ;; Section 6.2.2, step 1. Offsets are bytes; a word's place in the schedule is t / 4.
  (func $schedule (param $block i32)
    (local $t i32)
    (loop $copy
      (i32.store offset=256 (local.get $t)
        (call $reversed (i32.load (i32.add (local.get $block) (local.get $t)))))
      (local.set $t (i32.add (local.get $t) (i32.const 4)))
      (br_if $copy (i32.lt_u (local.get $t) (i32.const 64))))
    (loop $extend  ;; W[t] = sigma1(W[t-2]) + W[t-7] + sigma0(W[t-15]) + W[t-16]
      (i32.store offset=256 (local.get $t)
        (i32.add
          (i32.add
            (call $sigma1 (i32.load offset=248 (local.get $t)))
            (i32.load offset=228 (local.get $t)))
          (i32.add
            (call $sigma0 (i32.load offset=196 (local.get $t)))
            (i32.load offset=192 (local.get $t)))))
      (local.set $t (i32.add (local.get $t) (i32.const 4)))
      (br_if $extend (i32.lt_u (local.get $t) (i32.const 256)))))

  ;; Steps 2 to 4: 64 rounds over the working variables, which are then added to the state.
  (func $compress (param $block i32)
    (local $a i32) (local $b i32) (local $c i32) (local $d i32)
    (local $e i32) (local $f i32) (local $g i32) (local $h i32)
    (local $t i32) (local $first i32) (local $second i32)
    (call $schedule (local.get $block))
    (local.set $a (i32.load offset=512 (i32.const 0)))
    (local.set $b (i32.load offset=516 (i32.const 0)))
    (local.set $c (i32.load offset=520 (i32.const 0)))
    (local.set $d (i32.load offset=524 (i32.const 0)))
    (local.set $e (i32.load offset=528 (i32.const 0)))
    (local.set $f (i32.load offset=532 (i32.const 0)))
    (local.set $g (i32.load offset=536 (i32.const 0)))
    (local.set $h (i32.load offset=540 (i32.const 0)))
    (loop $round
      (local.set $first
        (i32.add
          (i32.add
            (i32.add (local.get $h) (call $Sigma1 (local.get $e)))
            (call $choice (local.get $e) (local.get $f) (local.get $g)))
          (i32.add (i32.load (local.get $t)) (i32.load offset=256 (local.get $t)))))
      (local.set $second
        (i32.add
          (call $Sigma0 (local.get $a))
          (call $majority (local.get $a) (local.get $b) (local.get $c))))
      (local.set $h (local.get $g))
      (local.set $g (local.get $f))
      (local.set $f (local.get $e))
      (local.set $e (i32.add (local.get $d) (local.get $first)))
      (local.set $d (local.get $c))
      (local.set $c (local.get $b))
      (local.set $b (local.get $a))
      (local.set $a (i32.add (local.get $first) (local.get $second)))
      (local.set $t (i32.add (local.get $t) (i32.const 4)))
      (br_if $round (i32.lt_u (local.get $t) (i32.const 256))))
    (call $add (i32.const 512) (local.get $a))
    (call $add (i32.const 516) (local.get $b))
    (call $add (i32.const 520) (local.get $c))
    (call $add (i32.const 524) (local.get $d))
    (call $add (i32.const 528) (local.get $e))
    (call $add (i32.const 532) (local.get $f))
    (call $add (i32.const 536) (local.get $g))
    (call $add (i32.const 540) (local.get $h)))

  (func $add (param $place i32) (param $word i32)
    (i32.store (local.get $place)
      (i32.add (i32.load (local.get $place)) (local.get $word))))

  ;; Section 5.1.1: a one bit, zeros, and the length in bits as a big-endian 64-bit number, up to
  ;; a multiple of 64 bytes. Memory beyond the input was never written, so the zeros are there.
  (func $pad (param $pointer i32) (param $length i32) (result i32)
    (local $end i32)
    (i32.store8 (i32.add (local.get $pointer) (local.get $length)) (i32.const 0x80))
    (local.set $end
      (i32.add
        (local.get $pointer)
        (i32.and (i32.add (local.get $length) (i32.const 72)) (i32.const -64))))
    ;; A job's input is far below 512 MiB: the upper half of the length is always zero.
    (i32.store
      (i32.sub (local.get $end) (i32.const 4))
      (call $reversed (i32.shl (local.get $length) (i32.const 3))))
    (local.get $end))

  (func (export "run") (param $pointer i32) (param $length i32) (result i64)
    (local $end i32)
    (local $t i32)
    (local.set $end (call $pad (local.get $pointer) (local.get $length)))
    (loop $block
      (call $compress (local.get $pointer))
      (local.set $pointer (i32.add (local.get $pointer) (i32.const 64)))
      (br_if $block (i32.lt_u (local.get $pointer) (local.get $end))))
    (loop $turn
      (i32.store offset=512 (local.get $t)
        (call $reversed (i32.load offset=512 (local.get $t))))
      (local.set $t (i32.add (local.get $t) (i32.const 4)))
      (br_if $turn (i32.lt_u (local.get $t) (i32.const 32))))
    (i64.const 0x0000020000000020)))  ;; 32 bytes at 512
