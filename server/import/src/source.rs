//! The text of an imported file: unpacked, and as UTF-8.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom},
    path::Path,
};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::{
    Crc,
    bufread::{DeflateDecoder, MultiGzDecoder},
};
use zip::{CompressionMethod, ZipArchive};

use crate::progress::Counted;

/// The text of a file.
pub(super) type Source = Box<dyn BufRead>;

const BUFFER_BYTES: usize = 1 << 16;

/// The most entries of a ZIP that are searched for a text.
const MAX_ENTRIES: usize = 1_000;

/// Formats other than CSV, by their first bytes, and what to do about them.
const FOREIGN: &[(&[u8], &str)] = &[
    (
        b"\x28\xb5\x2f\xfd",
        "is compressed with Zstandard: unpack it first (unzstd)",
    ),
    (
        b"BZh",
        "is compressed with bzip2: unpack it first (bunzip2)",
    ),
    (
        b"\xfd7zXZ\0",
        "is compressed with xz: unpack it first (unxz)",
    ),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it first"),
    (b"Rar!", "is a RAR archive: unpack it first"),
    (b"PAR1", "is Parquet: expected CSV"),
    (
        b"\xd0\xcf\x11\xe0",
        "is an Excel workbook (.xls): save it as CSV",
    ),
    (b"%PDF", "is a PDF: expected CSV"),
    (b"SQLite format 3", "is a SQLite database: expected CSV"),
    (b"\xff\xfe\0\0", "is UTF-32: expected UTF-8 or UTF-16"),
    (b"\0\0\xfe\xff", "is UTF-32: expected UTF-8 or UTF-16"),
];

/// Opens a file, compressed or not, and counts how much of it is read.
///
/// # Errors
/// If it cannot be opened, or is not text: with its actual format.
pub(super) fn open(file: &Path) -> Result<(Source, Counted), String> {
    let cannot = |error: io::Error| format!("cannot be opened: {error}");
    let mut opened = File::open(file).map_err(cannot)?;
    let metadata = opened.metadata().map_err(cannot)?;
    if !metadata.is_file() {
        return Err("is not a file: expected one of CSV, plain, gzip or ZIP".to_owned());
    }
    let start = start_of(&mut opened).map_err(cannot)?;
    opened.rewind().map_err(cannot)?;
    let counted = Counted::new(metadata.len());
    let unpacked: Source = if start.starts_with(b"PK\x03\x04") {
        let entry = Entry::of(&opened)?;
        opened.seek(SeekFrom::Start(entry.start)).map_err(cannot)?;
        let packed = buffered(counted.reader(opened).take(entry.packed));
        let checked: Box<dyn Read> = match entry.method {
            CompressionMethod::Stored => Box::new(Checked::new(packed, entry.crc)),
            _ => Box::new(Checked::new(DeflateDecoder::new(packed), entry.crc)),
        };
        Box::new(buffered(checked))
    } else if start.starts_with(b"PK\x05\x06") {
        return Err("is a ZIP without a file in it".to_owned());
    } else if start.starts_with(&[0x1f, 0x8b]) {
        Box::new(buffered(MultiGzDecoder::new(buffered(
            counted.reader(opened),
        ))))
    } else {
        Box::new(buffered(counted.reader(opened)))
    };
    Ok((text(unpacked)?, counted))
}

fn buffered<R: Read>(reader: R) -> BufReader<R> {
    BufReader::with_capacity(BUFFER_BYTES, reader)
}

/// The first bytes of a file, fewer if it is shorter.
fn start_of(file: &mut File) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.by_ref().take(16).read_to_end(&mut start)?;
    Ok(start)
}

/// Decodes UTF-16, and refuses other formats by name.
fn text(mut source: Source) -> Result<Source, String> {
    let start = source
        .fill_buf()
        .map_err(|error| format!("cannot be read: {error}"))?;
    if let Some((_, why)) = FOREIGN.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err((*why).to_owned());
    }
    let words = start.trim_ascii_start();
    if words.starts_with(b"{") || words.starts_with(b"[") {
        return Err("is JSON: expected CSV".to_owned());
    }
    if words.starts_with(b"<") {
        return Err("is HTML or XML: expected CSV".to_owned());
    }
    let Some(encoding) = utf_16(start) else {
        return Ok(source);
    };
    let decoded = DecodeReaderBytesBuilder::new()
        .encoding(Some(encoding))
        .build(source);
    Ok(Box::new(buffered(decoded)))
}

/// UTF-16, by its byte-order mark or by the zeros between the letters of ASCII.
fn utf_16(start: &[u8]) -> Option<&'static Encoding> {
    match start {
        [0xff, 0xfe, ..] => Some(UTF_16LE),
        [0xfe, 0xff, ..] => Some(UTF_16BE),
        [a, 0, b, 0, ..] if *a != 0 && *b != 0 => Some(UTF_16LE),
        [0, a, 0, b, ..] if *a != 0 && *b != 0 => Some(UTF_16BE),
        _ => None,
    }
}

/// The one file of a ZIP.
struct Entry {
    start: u64,
    packed: u64,
    method: CompressionMethod,
    crc: u32,
}

impl Entry {
    fn of(file: &File) -> Result<Self, String> {
        let unreadable = |error: zip::result::ZipError| format!("is a broken ZIP: {error}");
        let mut archive = ZipArchive::new(file).map_err(unreadable)?;
        let mut names = Vec::new();
        let mut found = None;
        for index in 0..archive.len().min(MAX_ENTRIES) {
            let entry = archive.by_index_raw(index).map_err(unreadable)?;
            let name = entry.name().map_err(unreadable)?.into_owned();
            if name == "[Content_Types].xml" {
                return Err("is an Excel workbook (.xlsx): save it as CSV".to_owned());
            }
            // An addition of macOS's Finder.
            if entry.is_dir() || name.starts_with("__MACOSX/") {
                continue;
            }
            if entry.encrypted() {
                return Err(format!(
                    "is a ZIP whose {name:?} has a password: unpack it first"
                ));
            }
            let method = entry.compression();
            if !matches!(
                method,
                CompressionMethod::Stored | CompressionMethod::Deflated
            ) {
                return Err(format!(
                    "is a ZIP whose {name:?} is compressed as {method}: expected deflate; unpack it first"
                ));
            }
            let start = entry
                .data_start()
                .ok_or_else(|| format!("is a broken ZIP: {name:?} has no data"))?;
            found = Some(Entry {
                start,
                packed: entry.compressed_size(),
                method,
                crc: entry.crc32(),
            });
            names.push(name);
        }
        match (names.len(), found) {
            (1, Some(entry)) => Ok(entry),
            (0, _) => Err("is a ZIP without a file in it".to_owned()),
            (count, _) => {
                let shown = names[..names.len().min(3)].join(", ");
                let count = count.max(archive.len());
                Err(format!(
                    "is a ZIP of {count} files ({shown}, …): expected one; unpack it and import them together"
                ))
            }
        }
    }
}

/// Compares the bytes of an entry with its checksum at the end.
struct Checked<R> {
    reader: R,
    sum: Crc,
    expected: u32,
}

impl<R> Checked<R> {
    fn new(reader: R, expected: u32) -> Self {
        Checked {
            reader,
            sum: Crc::new(),
            expected,
        }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        if count == 0 && !buffer.is_empty() && self.sum.sum() != self.expected {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the ZIP is broken: its checksum is another one",
            ));
        }
        self.sum.update(&buffer[..count]);
        Ok(count)
    }
}
