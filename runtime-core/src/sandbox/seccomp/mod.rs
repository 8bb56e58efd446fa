//! seccomp
pub fn program() -> &'static [u8] {
    &[0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]
}
