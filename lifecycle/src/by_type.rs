//! Maps by type. A `TypeId` is a hash already: to hash it again is a tenth of the time that a large plan takes.

use std::any::TypeId;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by type.
pub(crate) type ByType<V> = HashMap<TypeId, V, BuildHasherDefault<TypeIdHasher>>;

/// Takes the number that a `TypeId` gives.
#[derive(Default)]
pub(crate) struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    /// How a `TypeId` gives its number is not promised.
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0.rotate_left(5) ^ u64::from(*byte)).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_apart() {
        let ids = [TypeId::of::<u8>(), TypeId::of::<u16>(), TypeId::of::<str>(), TypeId::of::<[u8; 3]>()];
        let map: ByType<usize> = ids.into_iter().zip(0..).collect();
        assert!(ids.iter().zip(0..).all(|(id, number)| map[id] == number));
        assert_eq!(map.get(&TypeId::of::<i8>()), None);
    }
}
