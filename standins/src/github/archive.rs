//! Zip archives as GitHub makes them: deflated, sizes behind the data and in the directory.
//!
//! <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

const MEBIBYTE: usize = 1 << 20;

/// One file of an archive.
pub(super) struct Entry {
    name: String,
    deflated: Vec<u8>,
    crc: u32,
    /// The size that the archive claims.
    size: u32,
}

impl Entry {
    pub fn deflated(name: &str, data: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(data);
        let deflated = deflate(data, FlushCompress::Finish);
        let size = u32::try_from(data.len()).expect("a small file");
        Self { name: name.to_owned(), deflated, crc: crc.sum(), size }
    }

    /// This many MiB of zeros: one MiB deflated once, its blocks repeated.
    pub fn zeros(name: &str, mebibytes: u32) -> Self {
        let zeros = vec![0; MEBIBYTE];
        let block = deflate(&zeros, FlushCompress::Full);
        let mut one = Crc::new();
        one.update(&zeros);
        let (mut crc, mut deflated) = (Crc::new(), Vec::new());
        for _ in 0..mebibytes {
            crc.combine(&one);
            deflated.extend_from_slice(&block);
        }
        deflated.extend_from_slice(&deflate(&[], FlushCompress::Finish));
        let size = mebibytes.saturating_mul(MEBIBYTE as u32);
        Self { name: name.to_owned(), deflated, crc: crc.sum(), size }
    }

    /// Writes another size into the archive.
    pub fn claiming(mut self, size: u32) -> Self {
        self.size = size;
        self
    }
}

fn deflate(data: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut deflated = Vec::with_capacity(data.len() + data.len() / 8 + 256);
    let status = Compress::new(Compression::best(), false)
        .compress_vec(data, &mut deflated, flush)
        .expect("deflating does not fail");
    let ended = matches!((flush, status), (FlushCompress::Finish, Status::StreamEnd))
        || matches!(flush, FlushCompress::Full);
    assert!(ended, "there was room for the deflated data");
    deflated
}

/// Sizes follow the data; names are UTF-8.
const FLAGS: u16 = 1 << 3 | 1 << 11;
const DEFLATE: u16 = 8;
/// 2026-01-01 00:00:00 as DOS keeps it.
const TIME: [u16; 2] = [0, (2026 - 1980) << 9 | 1 << 5 | 1];

/// Writes an archive.
pub(super) fn write(entries: &[Entry]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = u32::try_from(archive.len()).expect("a small archive");
        let packed = u32::try_from(entry.deflated.len()).expect("a small entry");
        let named = u16::try_from(entry.name.len()).expect("a short name");

        let signature = 0x0403_4b50;
        dwords(&mut archive, &[signature]);
        words(&mut archive, &[20, FLAGS, DEFLATE, TIME[0], TIME[1]]);
        dwords(&mut archive, &[0, 0, 0]);
        words(&mut archive, &[named, 0]);
        archive.extend_from_slice(entry.name.as_bytes());
        archive.extend_from_slice(&entry.deflated);
        let signature = 0x0807_4b50;
        dwords(&mut archive, &[signature, entry.crc, packed, entry.size]);

        let signature = 0x0201_4b50;
        dwords(&mut directory, &[signature]);
        words(&mut directory, &[3 << 8 | 20, 20, FLAGS, DEFLATE, TIME[0], TIME[1]]);
        dwords(&mut directory, &[entry.crc, packed, entry.size]);
        words(&mut directory, &[named, 0, 0, 0, 0]);
        let regular_file = 0o100_644 << 16;
        dwords(&mut directory, &[regular_file, offset]);
        directory.extend_from_slice(entry.name.as_bytes());
    }
    let begins = u32::try_from(archive.len()).expect("a small archive");
    let size = u32::try_from(directory.len()).expect("a small directory");
    let count = u16::try_from(entries.len()).expect("at most 65,535 entries");
    archive.append(&mut directory);
    let signature = 0x0605_4b50;
    dwords(&mut archive, &[signature]);
    words(&mut archive, &[0, 0, count, count]);
    dwords(&mut archive, &[size, begins]);
    words(&mut archive, &[0]);
    archive
}

fn words(to: &mut Vec<u8>, values: &[u16]) {
    to.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn dwords(to: &mut Vec<u8>, values: &[u32]) {
    to.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::DeflateDecoder;
    use std::io::Read;

    #[test]
    fn what_is_packed_can_be_unpacked() {
        for entry in [Entry::deflated("a", b"hello hello hello"), Entry::zeros("b", 3)] {
            let mut data = Vec::new();
            DeflateDecoder::new(entry.deflated.as_slice()).read_to_end(&mut data).unwrap();
            let mut crc = Crc::new();
            crc.update(&data);
            assert_eq!((data.len() as u32, crc.sum()), (entry.size, entry.crc), "{}", entry.name);
        }
    }

    #[test]
    fn the_directory_is_where_the_end_says() {
        let archive = write(&[Entry::deflated("a", b"1"), Entry::deflated("b", b"2")]);
        let end = archive.len() - 22;
        assert_eq!(archive[end..end + 4], *b"PK\x05\x06");
        let begins = u32::from_le_bytes(archive[end + 16..end + 20].try_into().unwrap()) as usize;
        assert_eq!(archive[begins..begins + 4], *b"PK\x01\x02");
    }
}
