//! Bytes as choices.

#[test]
fn an_input_that_ends_goes_on_with_zeros() {
    let mut input = dalil_fuzz::Input::new(&[1, 0, 2, 7, 8, 9]);
    assert_eq!((input.byte(), input.piece(), input.byte()), (1, &[7, 8][..], 9));
    assert!(input.is_empty());
    assert_eq!((input.byte(), input.short(), input.long(), input.piece()), (0, 0, 0, &[][..]));
}
