//! Memory: mmap(2), and the functions the compiler expects of a libc.

use core::ffi::CStr;

use super::{Result, call, nr};

const PROT_READ: usize = 1;
const PROT_WRITE: usize = 2;
const MAP_SHARED: usize = 1;
const MAP_PRIVATE: usize = 2;
const MAP_ANONYMOUS: usize = 0x20;

/// `length` bytes of a file from `offset`, whole pages, for as long as the process lives.
pub fn map_file(fd: i32, offset: usize, length: usize) -> Result<&'static [u8]> {
    // SAFETY: a fresh private mapping of a memfd that its writer is done with; never unmapped.
    unsafe {
        let address = call(nr::MMAP, [0, length, PROT_READ, MAP_PRIVATE, fd as usize, offset])?;
        Ok(core::slice::from_raw_parts(address as *const u8, length))
    }
}

/// A zeroed slice that lives as long as the process. Zero bytes must be a valid `T`.
pub fn slice<T: Zero>(count: usize) -> Result<&'static mut [T]> {
    let bytes = (count.max(1)).saturating_mul(size_of::<T>());
    // SAFETY: fresh zeroed memory of the right size, aligned to a page, owned by the returned reference alone.
    unsafe {
        let address = call(
            nr::MMAP,
            [
                0,
                bytes,
                PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS,
                usize::MAX,
                0,
            ],
        )?;
        Ok(core::slice::from_raw_parts_mut(address as *mut T, count))
    }
}

/// Gives a value a place for as long as the process lives.
pub fn keep<T: 'static>(value: T) -> Result<&'static T> {
    let place = slice::<u8>(size_of::<T>())?.as_mut_ptr().cast::<T>();
    // SAFETY: the slice is aligned to a page, large enough, and nobody else's.
    unsafe {
        place.write(value);
        Ok(&*place)
    }
}

/// Zeroed memory that stays common to this process and the children it clones.
pub fn shared<T: Zero>() -> Result<*mut T> {
    // SAFETY: a fresh mapping; the caller orders the accesses.
    unsafe {
        let address = call(
            nr::MMAP,
            [
                0,
                size_of::<T>(),
                PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS,
                usize::MAX,
                0,
            ],
        )?;
        Ok(address as *mut T)
    }
}

/// Types for which all bytes zero is a value.
///
/// # Safety
/// That must be so.
pub unsafe trait Zero: 'static {}
// SAFETY: zero is an integer.
unsafe impl Zero for u8 {}
// SAFETY: zero is an integer.
unsafe impl Zero for u32 {}
// SAFETY: zero is an integer.
unsafe impl Zero for i32 {}
// SAFETY: a raw pointer may be null.
unsafe impl Zero for *const u8 {}

/// argv or envp of execve(2): pointers, then null.
pub fn pointers(strings: impl Iterator<Item = &'static CStr>, count: usize) -> Result<&'static [*const u8]> {
    let array = slice::<*const u8>(count + 1)?;
    for (slot, string) in array.iter_mut().zip(strings) {
        *slot = string.as_ptr().cast();
    }
    Ok(array)
}

/// # Safety
/// As memcpy(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    for i in 0..n {
        // SAFETY: the caller's promise. Volatile, or the compiler turns the loop into a call of this function.
        unsafe { to.add(i).write_volatile(*from.add(i)) };
    }
    to
}

/// # Safety
/// As memmove(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    if (to as usize) <= from as usize {
        // SAFETY: a forward copy is right when the target starts first.
        return unsafe { memcpy(to, from, n) };
    }
    for i in (0..n).rev() {
        // SAFETY: the caller's promise.
        unsafe { to.add(i).write_volatile(*from.add(i)) };
    }
    to
}

/// # Safety
/// As memset(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, n: usize) -> *mut u8 {
    for i in 0..n {
        // SAFETY: the caller's promise.
        unsafe { to.add(i).write_volatile(byte as u8) };
    }
    to
}

/// # Safety
/// As memcmp(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    for i in 0..n {
        // SAFETY: the caller's promise.
        let (x, y) = unsafe { (a.add(i).read_volatile(), b.add(i).read_volatile()) };
        if x != y {
            return i32::from(x) - i32::from(y);
        }
    }
    0
}

/// # Safety
/// As bcmp(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { memcmp(a, b, n) }
}

/// # Safety
/// As strlen(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(s: *const u8) -> usize {
    let mut n = 0;
    // SAFETY: the caller's promise.
    while unsafe { s.add(n).read_volatile() } != 0 {
        n += 1;
    }
    n
}
