//! Proof before power: what must not compile from outside does not.

#[test]
fn proofs_can_be_neither_forged_nor_spent_twice() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
