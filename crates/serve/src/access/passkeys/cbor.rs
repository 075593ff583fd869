//! As much of CBOR (RFC 8949) as authenticators write: definite lengths, no tags, no floats.

/// A value; texts and bytes are borrowed from what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cbor<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    List(Vec<Cbor<'a>>),
    Map(Vec<(Cbor<'a>, Cbor<'a>)>),
    /// `true`, `false`, `null`.
    Simple(u8),
}

const DEPTH_MAX: usize = 8;
const ITEMS_MAX: u64 = 64;

/// The first value, and what follows it.
pub fn read(bytes: &[u8]) -> Option<(Cbor<'_>, &[u8])> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(DEPTH_MAX)?;
    Some((value, reader.rest))
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(count).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    /// Major type and argument.
    fn head(&mut self) -> Option<(u8, u64)> {
        let first = self.take(1)?[0];
        let argument = match first & 0x1f {
            small @ 0..=23 => u64::from(small),
            24 => u64::from(self.take(1)?[0]),
            25 => u64::from(u16::from_be_bytes(self.take(2)?.try_into().ok()?)),
            26 => u64::from(u32::from_be_bytes(self.take(4)?.try_into().ok()?)),
            27 => u64::from_be_bytes(self.take(8)?.try_into().ok()?),
            _ => return None,
        };
        Some((first >> 5, argument))
    }

    fn value(&mut self, depth: usize) -> Option<Cbor<'a>> {
        let depth = depth.checked_sub(1)?;
        let first = *self.rest.first()?;
        let (major, argument) = self.head()?;
        Some(match major {
            0 => Cbor::Int(i64::try_from(argument).ok()?),
            1 => Cbor::Int(-1 - i64::try_from(argument).ok()?),
            2 => Cbor::Bytes(self.take(argument)?),
            3 => Cbor::Text(std::str::from_utf8(self.take(argument)?).ok()?),
            4 if argument <= ITEMS_MAX => {
                Cbor::List((0..argument).map(|_| self.value(depth)).collect::<Option<_>>()?)
            }
            5 if argument <= ITEMS_MAX => {
                let pair = |_| Some((self.value(depth)?, self.value(depth)?));
                Cbor::Map((0..argument).map(pair).collect::<Option<_>>()?)
            }
            // The longer ones are floats.
            7 if first & 0x1f < 24 => Cbor::Simple(first & 0x1f),
            _ => return None,
        })
    }
}

impl<'a> Cbor<'a> {
    /// Of a map, what stands under a number.
    pub fn at(&self, key: i64) -> Option<&Cbor<'a>> {
        self.find(&Cbor::Int(key))
    }

    /// Of a map, what stands under a name.
    pub fn named(&self, key: &str) -> Option<&Cbor<'a>> {
        self.find(&Cbor::Text(key))
    }

    fn find(&self, wanted: &Cbor<'_>) -> Option<&Cbor<'a>> {
        let Cbor::Map(pairs) = self else { return None };
        pairs.iter().find(|(key, _)| key == wanted).map(|(_, value)| value)
    }

    pub fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Cbor::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub fn int(&self) -> Option<i64> {
        match self {
            Cbor::Int(number) => Some(*number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_the_rfc_writes_them() {
        // RFC 8949, appendix A.
        let read_all = |bytes: &'static [u8]| read(bytes).filter(|(_, rest)| rest.is_empty());
        let value = |bytes| read_all(bytes).unwrap().0;
        assert_eq!(value(&[0x18, 0x64]), Cbor::Int(100));
        assert_eq!(value(&[0x39, 0x03, 0xe7]), Cbor::Int(-1000));
        assert_eq!(value(&[0x44, 1, 2, 3, 4]), Cbor::Bytes(&[1, 2, 3, 4]));
        assert_eq!(value(b"\x64IETF"), Cbor::Text("IETF"));
        assert_eq!(value(&[0x83, 1, 2, 3]).clone(), Cbor::List((1..4).map(Cbor::Int).collect()));
        let map = value(&[0xa2, 1, 2, 3, 4]);
        assert_eq!((map.at(1), map.at(3)), (Some(&Cbor::Int(2)), Some(&Cbor::Int(4))));
        assert_eq!(value(&[0xf5]), Cbor::Simple(21));
    }

    #[test]
    fn what_is_cut_deep_or_endless_is_refused() {
        for hostile in [
            &[][..],
            &[0x18],
            &[0x44, 1, 2],
            &[0x5f, 0x41, 0, 0xff],
            &[0x9a, 0xff, 0xff, 0xff, 0xff],
            &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x63, 0xff, 0xff, 0xff],
            &[0xc1, 0x00],
            &[0xfb, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x81; 100],
        ] {
            assert!(read(hostile).is_none(), "{hostile:?}");
        }
    }
}
